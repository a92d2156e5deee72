package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// install brings the first alternative that can be had, and nothing away.
func (w *work) install(ctx context.Context, want resource.Package, _ resource.Spec) error {
	m, err := w.manager()
	if err != nil {
		return err
	}
	now, err := w.seePackage(w.id.Name)
	if err != nil {
		return err
	}
	switch p, _ := now.(resource.Package); {
	case p.Trouble != "":
		return m.repair(w, ctx, p.Name)
	case p.Held:
		return fmt.Errorf("%s is held at %s on the node and stays there: release it, or want that version", p.Name, p.Version)
	case p.Name != "":
		return w.bring(ctx, m, []string{m.item(p.Name, want.Version)})
	}
	return w.together(ctx, m, want)
}

// together installs what is wanted, and in the same run what other changes wait for: a package manager
// takes as long for one package as for twenty. When that fails, each tries alone.
func (w *work) together(ctx context.Context, m *manager, want resource.Package) error {
	w.l.wishes.gathered(ctx)
	others := w.waiting(ctx)
	offered, err := m.offers(w, ctx, namesOf(append(others, wish{name: w.id.Name})))
	if err != nil {
		return err
	}
	own := pick(m, offered, wish{name: w.id.Name, version: want.Version})
	if own == "" && want.Optional {
		return w.leaveOut(ctx, m)
	}
	if own == "" {
		return fmt.Errorf("no package source offers %s", strings.Join(alternatives(w.id.Name), " or "))
	}
	items := []string{own}
	for _, o := range others {
		if item := pick(m, offered, o); item != "" {
			items = append(items, item)
		}
	}
	return w.bringOrAlone(ctx, m, items)
}

// bringOrAlone tries the first item alone when all of them cannot be had. Where others fail and it does
// not, it is done.
func (w *work) bringOrAlone(ctx context.Context, m *manager, items []string) error {
	err := w.bring(ctx, m, items)
	if err == nil || len(items) == 1 || ctx.Err() != nil || w.isThere(ctx) {
		return w.unlessThere(ctx, err)
	}
	w.log.WarnContext(ctx, "not all at once", slog.Any("id", w.id), slog.Any("err", err))
	return w.unlessThere(ctx, w.bring(ctx, m, items[:1]))
}

func (w *work) unlessThere(ctx context.Context, err error) error {
	if err != nil && w.isThere(ctx) {
		w.log.WarnContext(ctx, "installed, and something else was not", slog.Any("id", w.id), slog.Any("err", err))
		return nil
	}
	return err
}

// isThere tells whether the package is installed by now, and well.
func (w *work) isThere(ctx context.Context) bool {
	v := w.l.look(context.WithoutCancel(ctx), []resource.ID{w.id})
	defer v.close()
	have, err := v.seePackage(w.id.Name)
	p, _ := have.(resource.Package)
	return err == nil && p.Name != "" && p.Trouble == ""
}

// pick is the first alternative of a wish that is offered, "" for none.
func pick(m *manager, offered map[string]bool, want wish) string {
	for _, name := range alternatives(want.name) {
		if offered[name] {
			return m.item(name, want.version)
		}
	}
	return ""
}

// bring installs, unless that would take something away or back.
func (w *work) bring(ctx context.Context, m *manager, items []string) error {
	s, err := m.simulate(w, ctx, "install", items)
	if err != nil {
		return err
	}
	what := strings.Join(items, " ")
	switch {
	case len(s.removed) > 0:
		return fmt.Errorf("installing %s would remove %s", what, strings.Join(s.removed, ", "))
	case len(s.downgraded) > 0:
		return fmt.Errorf("installing %s would downgrade %s", what, strings.Join(s.downgraded, ", "))
	}
	w.log.InfoContext(ctx, "installing", slog.Any("id", w.id), slog.Any("new", s.installed), slog.Any("upgraded", s.upgraded))
	return m.install(w, ctx, items)
}

// leaveOut notes that there is no such package, for as long as the sources offer the same.
func (w *work) leaveOut(ctx context.Context, m *manager) error {
	index, err := w.indexDigest(m)
	if err != nil {
		return err
	}
	w.log.WarnContext(ctx, "left out: no package source offers it", slog.Any("id", w.id))
	return w.putStamp("leftout", w.id.Name, leftOut{Index: index})
}

// uninstall removes the package, not its configuration, and nothing else.
func (w *work) uninstall(ctx context.Context, _, have resource.Spec) error {
	h, _ := have.(resource.Package)
	switch {
	case h.Unoffered:
		return w.dropStamp("leftout", w.id.Name)
	case h.Held:
		return fmt.Errorf("%s is held at %s on the node and stays there: release it first", h.Name, h.Version)
	}
	m, err := w.manager()
	if err != nil {
		return err
	}
	s, err := m.simulate(w, ctx, "remove", []string{h.Name})
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Concat(s.removed, s.installed, s.upgraded, s.downgraded), func(name string) bool { return name == h.Name })
	switch {
	case len(others) > 0:
		return fmt.Errorf("removing %s would also touch %s", h.Name, strings.Join(others, ", "))
	case len(s.removed) != 1:
		return fmt.Errorf("%s would not be removed", h.Name)
	}
	return errors.Join(m.remove(w, ctx, h.Name), w.dropStamp("leftout", w.id.Name))
}
