# Answers requests for ansible-inventory from one process, which has read Ansible's code once and
# forks for each: {"args": [...]} on a line in, {"status": 0, "out": "...", "err": "..."} out.
import json
import os
import sys
import tempfile
import traceback

import ansible.cli.inventory
import ansible.inventory.manager
import ansible.plugins.loader
import ansible.template
import ansible.vars.manager


def child(args, out, err):
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdin = open(os.devnull)
    status = 250
    try:
        ansible.cli.inventory.main(["ansible-inventory"] + args)
        status = 0
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def answer(args):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            child(args, out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for f in (out, err):
            f.seek(0)
        return {"status": status, "out": out.read().decode(), "err": err.read().decode()}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)["args"])), flush=True)
