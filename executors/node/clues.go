package node

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	// clueTimeout bounds the reading of the journal of a node.
	clueTimeout = 3 * time.Second
	// maxClues bounds what is told of one resource, the newest first.
	maxClues = 12
	// maxRecords bounds what is read of the journal, and maxPackageLog, in bytes, of the log of packages.
	maxRecords    = 400
	maxPackageLog = 64 << 10
)

// inquire finds out who was on this machine since a time, and what is to be seen at the files of each id.
func (l *Local) inquire(ctx context.Context, ids []resource.ID, since time.Time) map[resource.ID][]resource.Clue {
	ctx, cancel := context.WithTimeout(ctx, clueTimeout)
	defer cancel()
	v := l.look(ctx, nil)
	defer v.close()
	around := slices.Concat(v.presence(ctx, since, ids), v.packageLog(since))
	found := make(map[resource.ID][]resource.Clue, len(ids))
	for _, id := range ids {
		all := slices.Concat(v.traces(id), around)
		slices.SortStableFunc(all, func(a, b resource.Clue) int { return b.When.Compare(a.When) })
		found[id] = all[:min(len(all), maxClues)]
	}
	return found
}

// traces are what the files of a resource tell of themselves.
func (v *view) traces(id resource.ID) (clues []resource.Clue) {
	for _, name := range aimAt(id, nil).paths {
		if id.Kind == resource.KindUnit {
			continue // where a unit could be overridden, and mostly is not
		}
		_, info, err := v.stat(name)
		if err != nil || info == nil {
			continue
		}
		c := resource.Clue{When: info.ModTime(), Kind: "file", What: name + " was written"}
		if sys, ok := info.Sys().(*syscall.Stat_t); ok {
			c.Who = v.accountName(int(sys.Uid))
			if changed := time.Unix(sys.Ctim.Unix()); changed.Sub(c.When).Abs() > time.Second {
				c.When, c.What = changed, name+" was moved, or got another owner or mode"
			}
		}
		clues = append(clues, c)
	}
	return clues
}

func (v *view) accountName(uid int) string {
	if a, err := v.accounts(); err == nil {
		for name, u := range a.users {
			if u.uid == uid {
				return name
			}
		}
	}
	return strconv.Itoa(uid)
}

// record is what is of interest in a record of the system's journal.
type record struct {
	Message string `json:"MESSAGE"`
	Program string `json:"SYSLOG_IDENTIFIER"`
	PID     string `json:"_PID"`
	When    string `json:"__REALTIME_TIMESTAMP"`
}

// presence is who logged in and used sudo, without ourselves.
func (v *view) presence(ctx context.Context, since time.Time, ids []resource.ID) (clues []resource.Clue) {
	argv := []string{"journalctl", "-q", "--no-pager", "-o", "json", "-r", "-n", strconv.Itoa(maxRecords), "--since=@" + strconv.FormatInt(since.Unix(), 10)}
	for _, program := range []string{"sudo", "su", "sshd", "sshd-session", "login"} {
		argv = append(argv, "-t", program)
	}
	out, err := v.l.run(ctx, Command{Argv: argv})
	if err != nil {
		return nil
	}
	ours := v.ancestors()
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, maxOutput)
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) != nil || ours[r.PID] {
			continue
		}
		if c, ok := r.clue(ids); ok {
			clues = append(clues, c)
		}
	}
	return clues
}

func (r record) clue(ids []resource.ID) (c resource.Clue, ok bool) {
	us, err := strconv.ParseInt(r.When, 10, 64)
	if err != nil {
		return c, false
	}
	switch c.When = time.UnixMicro(us); r.Program {
	case "sudo":
		c.Kind = "sudo"
		c.Who, c.What, ok = usedSudo(r.Message, ids)
	case "su":
		c.Kind = "sudo"
		c.Who, c.What, ok = usedSu(r.Message)
	default:
		c.Kind = "login"
		c.Who, c.What, ok = loggedIn(r.Message)
	}
	return c, ok
}

// usedSudo reads "alice : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/usr/bin/vim /etc/hosts". Of the command only
// the program is told, and whether it names a file that is asked about.
func usedSudo(message string, ids []resource.ID) (who, what string, ok bool) {
	who, rest, ok := strings.Cut(strings.TrimSpace(message), " : ")
	_, command, found := strings.Cut(rest, "COMMAND=")
	program, args, _ := strings.Cut(command, " ")
	if !ok || !found || program == "" || strings.Contains(who, " ") || strings.HasPrefix(program, "/var/lib/pigsync/bin/") {
		return "", "", false
	}
	what = "ran " + printable(program)
	for _, id := range ids {
		for _, name := range aimAt(id, nil).paths {
			if slices.Contains(strings.Fields(args), name) {
				return printable(who), what + " on " + name, true
			}
		}
	}
	return printable(who), what, true
}

// usedSu reads "(to root) alice on pts/0".
func usedSu(message string) (who, what string, ok bool) {
	to, rest, ok := strings.Cut(strings.TrimPrefix(message, "(to "), ") ")
	who, where, on := strings.Cut(rest, " on ")
	if !ok || !on || !strings.HasPrefix(message, "(to ") {
		return "", "", false
	}
	return printable(who), "became " + printable(to) + " on " + printable(where), true
}

// loggedIn reads "Accepted publickey for alice from 10.0.0.1 port 50000 ssh2".
func loggedIn(message string) (who, what string, ok bool) {
	words := strings.Fields(message)
	if len(words) < 6 || words[0] != "Accepted" || words[2] != "for" || words[4] != "from" {
		return "", "", false
	}
	return printable(words[3]), "logged in from " + printable(words[5]), true
}

// ancestors are the processes that we run in, up to the first: the session of the daemon itself is no clue.
func (v *view) ancestors() map[string]bool {
	ours := map[string]bool{}
	for pid := "self"; pid != "" && pid != "0" && !ours[pid]; {
		stat, err := v.small("/proc/" + pid + "/stat")
		if err != nil {
			break
		}
		ours[pid] = true
		_, rest, _ := strings.Cut(string(stat[max(0, bytes.LastIndexByte(stat, ')')):]), ")")
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			break
		}
		if own, _, found := strings.Cut(string(stat), " "); found {
			ours[own] = true
		}
		pid = fields[1]
	}
	return ours
}

// packageLog is what dpkg has noted since a time.
func (v *view) packageLog(since time.Time) (clues []resource.Clue) {
	f, err := v.l.Root.Open("var/log/dpkg.log")
	if err != nil {
		return nil
	}
	defer shut(f)
	if info, err := f.Stat(); err == nil && info.Size() > maxPackageLog {
		_, _ = f.Seek(-maxPackageLog, 2) // what is older is no clue
	}
	zone := v.zone()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if c, ok := packageClue(lines.Text(), zone); ok && !c.When.Before(since) {
			clues = append(clues, c)
		}
	}
	return clues
}

// zone is what clocks on this machine show, as it is now: what the runtime knows of it is as old as this process. No
// link is UTC, as localtime(5) has it.
func (v *view) zone() *time.Location {
	data, err := v.small("/etc/localtime")
	if err != nil {
		return time.UTC
	}
	zone, err := time.LoadLocationFromTZData("local", data)
	if err != nil {
		return time.UTC
	}
	return zone
}

// packageClue reads "2026-11-22 02:00:01 upgrade etcd-server:amd64 3.5.1 3.5.2".
func packageClue(line string, zone *time.Location) (c resource.Clue, ok bool) {
	words := strings.Fields(line)
	if len(words) < 6 || !slices.Contains([]string{"install", "upgrade", "remove", "purge"}, words[2]) {
		return c, false
	}
	when, err := time.ParseInLocation(time.DateTime, words[0]+" "+words[1], zone)
	if err != nil {
		return c, false
	}
	return resource.Clue{When: when, Kind: "package", What: printable(fmt.Sprintf("%s of %s, %s to %s", words[2], filepath.Base(words[3]), words[4], words[5]))}, true
}
