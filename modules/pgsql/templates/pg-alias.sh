# written by pigsync
alias pg='patronictl -c {{.Conf}}'
alias pt-st='systemctl status patroni'
alias pb-st='systemctl status pgbouncer'
alias pglog='tail -f /pg/log/postgres/*.csv'
