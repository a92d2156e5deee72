package modules

import "github.com/pigsync/pigsync/resource"

// FileOf is the id of a file on a node.
func FileOf(path, node string) resource.ID {
	return resource.ID{Kind: resource.KindFile, Name: path, At: node}
}

// DirOf is the id of a directory on a node.
func DirOf(path, node string) resource.ID {
	return resource.ID{Kind: resource.KindDir, Name: path, At: node}
}

// UnitOf is the id of a systemd service on a node.
func UnitOf(name, node string) resource.ID {
	return resource.ID{Kind: resource.KindUnit, Name: name, At: node}
}

// PackageOf is the id of a package on a node; name may list alternatives, see resource.Package.
func PackageOf(name, node string) resource.ID {
	return resource.ID{Kind: resource.KindPackage, Name: name, At: node}
}

// RepoOf is the id of a package source file on a node.
func RepoOf(path, node string) resource.ID {
	return resource.ID{Kind: resource.KindRepo, Name: path, At: node}
}
