// Package policies judges plans. It sees everything and touches nothing.
//
//	Case (plan, what was observed, what happened before, what people said)
//	   │
//	   ▼  every Policy, a value {Name, Doc, Judge}
//	[]Objection ─► one Verdict a step: Allow < Hold < Deny; the gravest wins
//
// A held step holds what needs it. A policy only ever objects: adding one can never allow more. A
// policy that panics denies the whole plan, because a judge who fell asleep has not agreed.
//
// Policies judge hazards, owners and cluster health, not kinds, so that a new module is covered by
// the old policies. They are configured in the daemon's own file, never in the inventory: a pull
// request cannot loosen the rules that judge it. The defaults are careful: making and reloading are
// allowed, a living cluster restarts one member at a time and only with a quorum to spare, and what
// loses data, a member or the way in is held until somebody approves exactly that.
//
// The codes are stable:
//
//	PS101  a hazard that needs approval
//	PS102  a safeguard parameter forbids the loss
//	PS103  the owner has a problem at this commit
//	PS104  the cluster would lose its quorum, or nobody knows
//	PS105  another member is away in this round
//	PS106  somebody asked to keep hands off
//	PS107  differences are only reported here
//	PS108  what was left behind by who left the inventory needs approval
//	PS109  somebody else still lives there
//	PS110  too much would be taken away, or touched, at once
//	PS111  its window is not open
//	PS112  a window that denies is open
//	PS113  a freeze
//	PS114  a budget is spent
//	PS115  more people must agree
//	PS116  it would not end before its window closes, or a freeze begins
//	PS117  the clock is behind the journal
//	PS118  it stays as it was made
//	PS119  no replica has caught up
//	PS120  a rule of the administrator's own (package rules)
//	PS121  such a rule cannot tell
//	PS122  no recent backup
//	PS123  the disk is nearly full
//	PS124  an earlier ring is not done, or soaks
//	PS125  an earlier ring measures badly, or nobody knows
//	PS126  in quarantine
//	PS127  never seen in sync, nor accepted
//	PS128  written for a newer Pigsty
//	PS129  somebody else changes it back
//	PS130  a PostgreSQL cluster is not well, or nobody knows
//	PS131  an instance of a PostgreSQL cluster did not come back from such a restart
//	PS132  somebody's Ansible may be working on it
//	PS140  a return to an earlier commit would cost more than a restart
//	PS141  commits are only planned here
//	PS142  nothing is taken away here without a word
//	PS199  a policy failed
package policies
