// Package notation reads the small notations that stand inside parameters: lines of a hosts file,
// of a crontab and of chrony, host and user names, kernel settings, time zones, endpoints, brace
// ranges and placeholders.
//
// Each reader takes one text and says what it means, or why it means nothing: the error is half a
// sentence, "want an address and its names", for a problem that already names the parameter. No
// reader looks at anything but its text, and none of them quotes it.
package notation
