// Command lab runs a small fleet of real Linux nodes on this machine: the sandbox of pigsync.
// It is package lab with a command line, and decides nothing of its own. The nodes outlive
// it; a hidden command of it stays to serve them packages and DNS.
package main
