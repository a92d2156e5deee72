# Written by pigsync; a file of your own beside this one is left alone.
case ":$PATH:" in
*:/usr/pgsql/bin:*) ;;
*) PATH="$PATH:/usr/pgsql/bin" ;;
esac
export PATH
if [ -n "$BASH_VERSION" ]; then
	HISTSIZE=10000
	HISTFILESIZE=10000
	HISTTIMEFORMAT='%F %T '
	HISTCONTROL=ignoredups
fi
