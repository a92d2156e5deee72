// Package stories proves on real nodes what pigsync promises: its tests run the real program against
// a lab, break things, and look at the nodes with their own eyes.
//
//	a story: begin ─► commit ─► serve ─► converges ─► break something ─► what do status, metrics,
//	         journal and the nodes themselves say?
//
// There is no code here but tests. They are skipped unless PIGSYNC_LAB=1 and where no lab can run.
// One lab serves all stories of a run; each begins on bare nodes, or on a snapshot of a cluster of three
// together with what the daemon knew then, and leaves nothing to the next.
//
//	-short           the ones that prove the most in a few minutes
//	(nothing)        every story; of the long walks a sample, drawn by PIGSYNC_SEED
//	PIGSYNC_SOAK=1   the long walks whole: every crash point, every power cut
package stories
