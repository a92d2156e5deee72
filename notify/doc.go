// Package notify is the voice: it tells people what has changed for better or worse, on transitions alone. What a
// picture of an inventory shows is compared with what was told last (News); notes wait a moment for others, and go
// out together, at most one message in a while for each sink. A sink that is away keeps a bounded queue, and says
// afterwards how many notes it has lost.
//
// The services are shoutrrr's. What it does not speak by itself (DingTalk, Teams' workflows, Alertmanager, Grafana's
// annotations) is a body of ours for its generic service. Addresses hold secrets: they are read from files, and
// neither they nor what a service says stand in a log.
package notify
