package node

import (
	"context"

	"github.com/pigsync/pigsync/resource"
)

// kind is how a node treats one kind of resource.
type kind struct {
	see    func(v *view, name string) (resource.Spec, error)
	make   maker   // nil where it can only be observed
	remove remover // nil where it stays
}

type (
	maker   func(w *work, ctx context.Context, want, have resource.Spec) error
	remover func(w *work, ctx context.Context, was, have resource.Spec) error
)

// kinds are all that a node knows, in the order of package resource.
var kinds = map[resource.Kind]kind{
	resource.KindFacts:        {see: one((*view).seeFacts)},
	resource.KindFile:         {(*view).seeFile, makes((*work).makeFile), removes((*work).dropFile)},
	resource.KindDir:          {(*view).seeDir, makes((*work).makeDir), (*work).removeDir},
	resource.KindLink:         {(*view).seeLink, makes((*work).makeLink), removes((*work).removeLink)},
	resource.KindLines:        {(*view).seeLines, makes((*work).setLines), removes((*work).removeLines)},
	resource.KindBlock:        {(*view).seeBlock, makes((*work).makeBlock), removes((*work).removeBlock)},
	resource.KindSSHKey:       {see: (*view).seeSSHKey, make: makes((*work).makeSSHKey)},
	resource.KindGuarded:      {(*view).seeGuarded, makes((*work).makeGuarded), removes((*work).removeGuarded)},
	resource.KindFirewall:     {one((*view).seeFirewall), makes((*work).makeFirewall), (*work).removeFirewall},
	resource.KindSELinux:      {see: one((*view).seeSELinux), make: makes((*work).makeSELinux)},
	resource.KindKernelArg:    {(*view).seeKernelArg, makes((*work).makeKernelArg), removes((*work).removeKernelArg)},
	resource.KindNoSwap:       {one((*view).seeNoSwap), makes((*work).makeNoSwap), removes((*work).removeNoSwap)},
	resource.KindReadAhead:    {one((*view).seeReadAhead), makes((*work).makeReadAhead), removes((*work).removeReadAhead)},
	resource.KindTuned:        {one((*view).seeTuned), makes((*work).makeTuned), removes((*work).removeTuned)},
	resource.KindHostname:     {see: one((*view).seeHostname), make: makes((*work).makeHostname)},
	resource.KindTimezone:     {see: one((*view).seeTimezone), make: makes((*work).makeTimezone)},
	resource.KindRepo:         {(*view).seeRepo, makes((*work).makeRepo), removes((*work).removeRepo)},
	resource.KindSources:      {one((*view).seeSources), makes((*work).makeSources), (*work).removeSources},
	resource.KindPackage:      {(*view).seePackage, makes((*work).install), (*work).uninstall},
	resource.KindNewest:       {see: (*view).seeNewest, make: makes((*work).makeNewest)},
	resource.KindPyEnv:        {see: (*view).seePyEnv, make: makes((*work).makePyEnv)},
	resource.KindTrust:        {(*view).seeTrust, makes((*work).makeTrust), removes((*work).removeTrust)},
	resource.KindGroup:        {(*view).seeGroup, makes((*work).makeGroup), removes((*work).removeGroup)},
	resource.KindUser:         {(*view).seeUser, makes((*work).makeUser), removes((*work).removeUser)},
	resource.KindCert:         {(*view).seeCert, makes((*work).makeCert), removes((*work).removeCert)},
	resource.KindUnit:         {(*view).seeUnit, makes((*work).makeUnit), removes((*work).removeUnit)},
	resource.KindSysctl:       {(*view).seeSysctl, makes((*work).makeSysctl), removes((*work).removeSysctl)},
	resource.KindKernelModule: {see: (*view).seeModule, make: makes((*work).loadModule)},
	resource.KindPGDrained:    {see: (*view).seeDrained, make: makes((*work).drain)},
}

// one sees what a node has one of, whatever its name.
func one(see func(*view) (resource.Spec, error)) func(*view, string) (resource.Spec, error) {
	return func(v *view, _ string) (resource.Spec, error) { return see(v) }
}

// makes gives a maker its own type of spec.
func makes[S resource.Spec](make func(*work, context.Context, S, resource.Spec) error) maker {
	return func(w *work, ctx context.Context, want, have resource.Spec) error {
		spec, ok := want.(S)
		if !ok {
			return errNotMade
		}
		return make(w, ctx, spec, have)
	}
}

// removes is for what goes the same way whatever it was.
func removes(remove func(*work, context.Context) error) remover {
	return func(w *work, ctx context.Context, _, _ resource.Spec) error { return remove(w, ctx) }
}
