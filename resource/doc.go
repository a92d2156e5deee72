// Package resource is the vocabulary of the house: what can be true of a fleet.
//
// A Resource is one thing that should be true; its Spec says what, its ID says where. Desired and
// observed states are the same types, so nothing between the two ends translates:
//
//	modules  ── desired  ──┐
//	                       ├─► Spec.Compare ─► []Field ─► a change, with its hazards
//	executors ─ observed ──┘
//
// The words:
//
//   - An ID is written kind:name@place, as in "unit:etcd@10.10.10.11"; String and ParseID are each
//     other's inverse, and every plan, log, metric and error speaks in them.
//   - A State is what was found at an ID: a spec, nothing, or an error. An error is never nothing.
//   - A Field is one difference and the Hazard of removing it. Policies judge hazards, not kinds.
//   - A Gate is waited for, not made. A Precious spec costs something when it goes.
//   - A Place says how what stands behind an ID.At is reached.
//
// The package is pure: it reads no file, no clock and no network, keeps no state and logs nothing.
// It imports nothing of ours. Secrets and file contents are types that print as a mask; only Encode,
// which writes the frames to a node, sees through them.
package resource
