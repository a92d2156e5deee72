package reconcile

// Retire ends the daemon as soon as the run that is under way is over, if there is one. Serve returns then.
func (d *Daemon) Retire() {
	d.retired.Store(true)
	d.Wake()
}
