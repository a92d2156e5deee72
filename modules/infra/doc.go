// Package infra knows Pigsty's INFRA module: the hosts of the group infra, which serve packages, names
// and the portal to all others, and watch them.
//
// So far it reads and judges the parameters, and wants nothing: what the module makes of them is to
// come. The global ones (META, CA) are read from the group all, so that they are judged in an
// inventory without a group infra too; the owner of its problems is "infra".
package infra
