# written by pigsync: the programs of PostgreSQL and those of its cluster are found
case ":$PATH:" in *:{{.Bin}}:*) ;; *) PATH={{.Bin}}:$PATH ;; esac
if [ "$(id -un)" = {{.Dbsu}} ]; then
    case ":$PATH:" in *:/pg/bin:*) ;; *) PATH=/pg/bin:$PATH ;; esac
    export PGDATA=/pg/data
fi
export PATH
