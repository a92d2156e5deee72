// Package forge speaks with the forge that keeps a repository: Gitea and Forgejo, GitHub, GitLab.
//
//	commit ─► pull request that brought it ─► reviews ─► those that stand ─► sources.Reviewed
//
// A [Client] is one repository on one forge. It implements [sources.Forge]: who has approved the pull request that
// brought a commit, as the forge has checked it. A review stands as long as its author neither took it back nor asked
// for changes later, nobody dismissed or edited it, it is of the last commit of the pull request, and its author wrote
// nothing of the pull request himself. What cannot be told is no review.
//
// The test with a real Gitea runs where PIGSYNC_GITEA names one; those of the other forges know recorded answers.
//
// Nothing is kept: each question is asked anew, and the token is read from its file each time, so that a new one
// counts at once. The token goes to the host of the configuration and nowhere else. What a forge says passes through
// [sources.Clean] before anyone sees it.
package forge
