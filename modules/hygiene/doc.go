// Package hygiene looks at the secrets of an inventory: which are known to everybody, weak, used
// twice, or open to whoever reads the file.
//
//	manual (where secrets are) × inventory (what they are) ─► Check ─► warnings, with places
//
// All it finds are warnings: a laboratory may do as it likes, and a fleet that runs is not stopped
// for its passwords. No message holds a secret, nor its length.
package hygiene
