package git

import (
	"errors"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
)

// maxVersions is the longest constraint of versions, in bytes.
const maxVersions = 200

func checkVersions(o Options) error {
	if o.Versions == "" {
		return nil
	}
	if o.Ref != "" {
		return errors.New("want a ref or versions to follow, not both")
	}
	if len(o.Versions) > maxVersions {
		return fmt.Errorf("versions: at most %d bytes are read", maxVersions)
	}
	if _, err := semver.NewConstraint(o.Versions); err != nil {
		return fmt.Errorf("versions: want a constraint such as >=1.4 <2, got %q", sources.Clean(o.Versions, 80))
	}
	return nil
}

// highest is the tag of the highest version that a constraint takes. What is no version is passed over; a
// pre-release is taken only where the constraint names one.
func (r refs) highest(versions string) (found plumbing.Hash, err error) {
	constraint, err := semver.NewConstraint(versions)
	if err != nil {
		return found, fmt.Errorf("versions: %w", err)
	}
	var best *semver.Version
	name := ""
	for ref, h := range r.named {
		tag, isTag := strings.CutPrefix(ref, "refs/tags/")
		v, err := semver.NewVersion(tag)
		if !isTag || err != nil || !constraint.Check(v) {
			continue
		}
		switch order := compare(v, best); {
		case order > 0:
			best, name, found = v, tag, h
		case order == 0 && h != found:
			return plumbing.ZeroHash, sources.Errorf(sources.ErrRefused, "the tags %s and %s are one version and two commits",
				sources.Clean(min(name, tag), 80), sources.Clean(max(name, tag), 80))
		}
	}
	if best == nil {
		return found, sources.Errorf(sources.ErrNoRef, "the repository has no tag of a version %s", versions)
	}
	return found, nil
}

func compare(v, best *semver.Version) int {
	if best == nil {
		return 1
	}
	return v.Compare(best)
}
