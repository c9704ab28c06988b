"""ClickHouse's own users, grants, profiles and quotas, in force: chDB is the same ClickHouse as the server.

chDB takes `config.xml` of its working directory when it is imported, users, grants, profiles and quotas
included, and runs as the user `default`. So each role is tried in a process of its own, under that name.
"""

import copy
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services import ROOT

SERVER = ROOT / "clickhouse" / "server"
ROLES_XML = SERVER / "users.d" / "roles.xml"
ROLES = ("admin", "writer", "reader", "analyst")

ASK = """
import json, re, sys
from chdb.session import Session

session, answers = Session(sys.argv[1]), []
for statement in json.load(sys.stdin):
    try:
        answers.append(str(session.query(statement, "TSV")).strip())
    except Exception as error:
        answers.append(int(re.search(r"Code: (\\d+)", str(error))[1]))
print("ANSWERS", json.dumps(answers))
"""

Ask = Callable[..., list[Any]]


def as_default(role: str) -> ET.Element:
    """roles.xml with `role` under the name that chDB runs as."""
    root = ET.parse(ROLES_XML).getroot()
    profiles, users = child(root, "profiles"), child(root, "users")
    for constraints in profiles.iterfind("*/constraints"):
        for constraint in list(constraints):
            # chDB cannot switch settings_constraints_replace_previous on, without which it refuses the mark.
            for mark in constraint.findall("changeable_in_readonly"):
                constraint.remove(mark)
            if len(constraint) == 0:
                constraints.remove(constraint)
    users.remove(child(users, "default"))
    user = copy.deepcopy(child(users, role))
    user.tag = "default"
    password = child(user, "password")
    password.attrib.clear()
    users.append(user)
    for part in ("profiles", "quotas"):
        ET.SubElement(child(root, part), "default")
    return root


def child(parent: ET.Element, name: str) -> ET.Element:
    found = parent.find(name)
    assert found is not None, f"no <{name}> in <{parent.tag}>"
    return found


def ask_as(home: Path, root: ET.Element, *statements: str) -> list[Any]:
    ET.ElementTree(root).write(home / "users.xml")
    (home / "config.xml").write_text(
        f"<clickhouse><users_config>{home / 'users.xml'}</users_config></clickhouse>", encoding="utf-8"
    )
    passwords = {f"UGC_{role.upper()}_PASSWORD": f"of-{role}" for role in ROLES}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(home / "data")],
        cwd=home,
        env={**os.environ, **passwords},
        input=json.dumps(["USE ugc", *statements]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[Any] = json.loads(done.stdout.partition("ANSWERS ")[2])
    return answers[1:]


# What clickhouse-migrations makes before the first of them.
LEDGER = """
    CREATE TABLE schema_versions
        (version UInt32, md5 String, script String, created_at DateTime DEFAULT now())
    ENGINE = MergeTree ORDER BY created_at
"""


def with_schema(home: Path) -> Ask:
    """Ask as a role; the schema in `home` was made by `admin`, from the migrations as they are."""
    migrations = [
        path.read_text(encoding="utf-8").strip().rstrip(";")
        for path in sorted((ROOT / "clickhouse" / "migrations").glob("*.sql"))
    ]
    made = ask_as(home, as_default("admin"), "CREATE DATABASE ugc", "USE ugc", LEDGER, *migrations)
    assert made == [""] * len(made)
    return lambda role, *statements: ask_as(home, as_default(role), *statements)
