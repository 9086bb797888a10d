#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The start of 'weir serve' and the result of 'weir check': both refuse the same files, in the same words."""
import contextlib
import ctypes
import errno
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import tempfile

from rig import PATIENCE, ROOT, WEIR, Weir, ask, connect, nobody, receive, run, same, until

HELLO = "routes: [{path: /, respond: {body: ok}}]\n"
BASIC = "listen: 127.0.0.1:0\nloops: 1\n" + HELLO
NOBODY = 65534


def as_nobody():
    """Becomes another user, because root is refused nothing."""
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


class Place:
    """A folder with everything that an address or a root can point at."""

    def __init__(self, stack):
        self.path = stack.enter_context(tempfile.TemporaryDirectory())
        # Copies, because the folder that the project stands in may be closed to others. The library is looked for beside the program.
        self.weir = shutil.copy(WEIR, self.file("weir"))
        shutil.copy(os.path.join(os.path.dirname(WEIR), "libweir-guard.so.0"), self.path)
        for name in ("images", "locked", "closed"):
            os.mkdir(self.file(name))
        for name in ("file", "admin.file"):
            open(self.file(name), "w").close()
        os.symlink("nowhere", self.file("link"))
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(self.file("dead.sock"))
        dead.close()
        taken = stack.enter_context(socket.socket(socket.AF_UNIX))
        taken.bind(self.file("taken.sock"))
        taken.listen()
        os.chmod(self.file("taken.sock"), 0o777)
        os.chmod(self.path, 0o777)
        if os.getuid() == 0:
            os.chown(self.file("dead.sock"), NOBODY, NOBODY)
        os.chmod(self.file("locked"), 0o555)
        os.chmod(self.file("closed"), 0o000)

    def file(self, name):
        return os.path.join(self.path, name)

    def run(self, command, config, env=None, options=(), before=None):
        """Returns exit code and lines of stderr; for serve, the code None means that it serves."""
        with open(self.file("gateway.yaml"), "w") as file:
            file.write(config)
        process = subprocess.Popen([self.weir, command, *options, "gateway.yaml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, cwd=self.path, preexec_fn=before or as_nobody, env={**os.environ, **(env or {})})
        lines, served = [], False
        for line in process.stderr:
            lines.append(line.rstrip("\n"))
            if " listening addr=" in line and "for=gateway" in line and not served:
                served = True
                process.terminate()
        process.stdout.close()
        process.stderr.close()
        code = process.wait(PATIENCE)
        return (None if served else code), lines


def agree(place, config, env=None):
    """Returns whether both accept the file, and their messages if not."""
    code, said = place.run("check", config, env)
    served, lines = place.run("serve", config, env)
    assert code in (0, 1) and served in (None, 1), (config, code, said, served, lines)
    same(served is None, code == 0, f"serve says {lines}, check says {said}, of {config}")
    if code == 1:
        same(lines, said, config)
        for line in said:
            assert re.match(r"gateway\.yaml:\d+:\d+: ", line) or "in the environment" in line, line
    return code == 0, said


GOOD_LISTEN = ["127.0.0.1:0", "localhost:0", "unix:new.sock", "unix:dead.sock", "unix:images/../new.sock", "0.0.0.0:0"]
BAD_LISTEN = {
    "unix:missing/x.sock": "folder 'missing'", "unix:file": "not a socket", "unix:file/x": "is not a folder", "unix:taken.sock": "listens there",
    "unix:locked/x.sock": "cannot be written to", "unix:link": "a link", "unix:images": "a folder", "unix:images/": "a folder",
    "192.0.2.1:0": "no such address", "nosuch.invalid:0": "no address", "[2001:db8::1]:0": "choose another",
    "[fe80::1]:0": "link-local", "unix:/proc/x.sock": "its folder '/proc'", # root may write there, by its mode
}
GOOD_ROUTES = [
    "{path: /, respond: {body: ok}}", "{path: '/x/{user_id}/*', respond: {}}", "{path: '/x/{_}', sleep: {for: 1ms}}",
    "{path: '/t/*', thumbnail: {root: images, width: 9, height: 9}}", "{path: '/f/*', file: {root: images, fallback: missing}}",
    "{path: /h, hash: {}, share: 100%}",
    "{path: /z, compress: {encoding: zstd}, compress_response: true}", "{path: /b, burn: {cpu: 1ms}, on: loop}",
    "{path: /j, json: {pick: {a: {each: /a, pick: /b}}}}", "{path: '/%C3%A4', respond: {}}",
    "{path: /g, gather: {calls: [{name: a, url: 'http://nosuch.invalid/'}]}}",
]
BAD_ROUTES = {
    "{path: '/t/*', thumbnail: {root: missing, width: 9, height: 9}}": "no such file",
    "{path: '/t/*', thumbnail: {root: file, width: 9, height: 9}}": "not a directory",
    "{path: '/t/*', thumbnail: {root: closed, width: 9, height: 9}}": "denied",
    "{path: '/f/*', file: {root: missing}}": "no such file", "{path: '/f/*', file: {root: closed}}": "denied",
    "{path: '/x/{user-id}', respond: {}}": "letters, digits and '_'", "{path: '/x/{1a}', respond: {}}": "letters, digits and '_'",
}
GOOD_REST = ["io: epoll\n", "io: auto\n", "loops: 3\n", "admin: 127.0.0.1:0\n", "admin: unix:admin.sock\n",
             "pools: {compute: {workers: 1, queue: 0, wait: 0s}, images: {class: blocking}}\n", "drain: 0s\n"]
BAD_REST = ["admin: unix:admin.file\n", "admin: unix:missing/a\n", "admin: 192.0.2.1:0\n"]


def config_of(listen="127.0.0.1:0", rest="", route=GOOD_ROUTES[0]):
    loops = "" if "loops:" in rest else "loops: 1\n"
    return f"listen: \"{listen}\"\n{loops}{rest}routes:\n  - {route}\n"


def each_good_thing_is_served_and_each_bad_one_is_refused_by_both():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        good = [config_of(listen=one) for one in GOOD_LISTEN] + [config_of(rest=one) for one in GOOD_REST]
        good += [config_of(route=one) for one in GOOD_ROUTES]
        for config in good:
            accepted, said = agree(place, config)
            assert accepted, (config, said)
        bad = {config_of(listen=one): words for one, words in BAD_LISTEN.items()}
        bad |= {config_of(rest=one): "admin" for one in BAD_REST}
        bad |= {config_of(route=one): words for one, words in BAD_ROUTES.items()}
        for config, words in bad.items():
            accepted, said = agree(place, config)
            assert not accepted and words in "\n".join(said), (config, said)


def check_and_serve_agree_on_any_mixture():
    chance = random.Random(1)
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        for _ in range(12):
            config = config_of(chance.choice(GOOD_LISTEN * 4 + list(BAD_LISTEN)), chance.choice(GOOD_REST * 4 + BAD_REST),
                               chance.choice(GOOD_ROUTES * 3 + list(BAD_ROUTES)))
            agree(place, config, {"WEIR_IO": chance.choice(["", "epoll", "auto", "junk"])})


def addresses_that_exclude_each_other_are_refused_by_both():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        for pair in (["unix:a.sock", "unix:./a.sock"], ["unix:a.sock", "unix:images/../a.sock"],
                     [f"localhost:{port}", f"127.0.0.1:{port}"], [f"[::]:{port}", f"127.0.0.1:{port}"],
                     [f"127.0.0.1:{port}", f"[::ffff:127.0.0.1]:{port}"]):
            accepted, said = agree(place, f"listen: {pair}\nloops: 1\n" + HELLO)
            assert not accepted and "an address of its own" in said[0], (pair, said)
            accepted, said = agree(place, f"listen: {pair[0]!r}\nadmin: {pair[1]!r}\nloops: 1\n" + HELLO)
            assert not accepted, (pair, said)


def a_port_that_is_taken_is_fine_to_check_alone():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        config = config_of(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        same(place.run("check", config)[0], 0)
        code, lines = place.run("serve", config)
        same(code, 1)
        assert re.match(r"gateway\.yaml:1:9: 127\S+ is taken by another program", lines[0]), lines


def forbid_io_uring():
    """A seccomp filter, as containers have it: io_uring_setup fails with EPERM."""
    class Step(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.POINTER(Step))]

    steps = (Step * 4)((0x20, 0, 0, 0), (0x15, 0, 1, 425), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(Program(4, steps)), 0, 0) == 0


def io_uring_that_is_forbidden_is_named():
    def outcome(command, config, env=None):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "f.yaml")
            with open(path, "w") as file:
                file.write(config)
            done = subprocess.run([WEIR, command, path], capture_output=True, text=True, timeout=PATIENCE,
                                  preexec_fn=forbid_io_uring, env={**os.environ, **(env or {})})
            return done.returncode, done.stderr.replace(folder + "/", "")

    for command in ("check", "serve"):
        code, said = outcome(command, "io: uring\n" + BASIC)
        same(code, 1)
        for words in ("f.yaml:1:5: io is 'uring'", "io_uring is forbidden", "auto or epoll", "kernel.io_uring_disabled", "seccomp"):
            assert words in said, said
        code, said = outcome(command, BASIC, {"WEIR_IO": "uring"})
        same(code, 1)
        assert "WEIR_IO in the environment is 'uring'" in said and "io_uring is forbidden" in said, said
    with Weir("serve", config=BASIC, env={"WEIR_IO": ""}, preexec=forbid_io_uring) as weir:
        same(ask(weir.address(), "/").status, 200)
        weir.wait_for(r"starting .*\bio=epoll\b")


def make_cgroup():
    """Makes a cgroup with half a CPU; gives the file by which a process enters it, or None if none can be made."""
    for folder, files in (("/sys/fs/cgroup", {"cpu.max": "50000 100000"}),
                          ("/sys/fs/cgroup/cpu", {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "50000"})):
        path = os.path.join(folder, f"weir-start-test-{os.getpid()}")
        try:
            os.mkdir(path)
        except OSError:
            continue
        try:
            for name, text in files.items():
                with open(os.path.join(path, name), "r+") as file:
                    file.write(text)
            return path
        except OSError:
            os.rmdir(path)
    return None


def a_quota_of_half_a_cpu_makes_one_loop():
    def enter():
        with open(os.path.join(cgroup, "cgroup.procs"), "w") as file:
            file.write(str(os.getpid()))

    def left():
        try:
            os.rmdir(cgroup)
        except OSError as problem:
            if problem.errno != errno.EBUSY:
                raise
            return False
        return True

    try:
        with Weir("serve", config="listen: 127.0.0.1:0\n" + HELLO, preexec=enter) as weir:
            weir.wait_for(r"starting .*\bloops=1 pools=\"compute 1\+64, blocking 32")
            same(ask(weir.address(), "/").status, 200)
    finally:
        until("its last process has gone", left) # the gateway process ends behind its supervisor


cgroup = make_cgroup()
if cgroup is None:
    a_quota_of_half_a_cpu_makes_one_loop.skip = "no cgroup can be made here"


def as_many_descriptors_as_may_be_had_are_had():
    soft, hard = 64, min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    def little():
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    with Weir("serve", config="limits: {connections: 300}\n" + BASIC, preexec=little) as weir:
        address = weir.address()
        weir.wait_for(rf"starting .*open_files={hard}\b")
        with contextlib.ExitStack() as stack: # more than the soft limit at its start
            waiting = [stack.enter_context(connect(address)) for _ in range(2 * soft)]
            for one in waiting:
                one.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                same(receive(one).status, 200)
        assert not [line for line in weir.lines if line and "warning" in line], weir.lines
    with Weir("serve", config="limits: {connections: 10000}\n" + BASIC, preexec=little) as weir:
        weir.address()
        weir.wait_for(rf"warn configuration at=\S+gateway.yaml:1:23 warning=\"limits.connections is 10000: .* may open {hard};")


def too_few_descriptors_are_refused_by_both():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))

    with contextlib.ExitStack() as stack:
        place = Place(stack)
        for number in (8, 16, 24, 32, 40, 64, 128):
            code, said = place.run("check", config_of(rest="loops: 3\nadmin: 127.0.0.1:0\n"), before=few)
            served, lines = place.run("serve", config_of(rest="loops: 3\nadmin: 127.0.0.1:0\n"), before=few)
            same(served is None, code == 0, (number, said, lines))
            assert code == 0 or re.match(r"gateway.yaml:2:8: .*files", said[0]), said
            assert (code == 0) == (number >= 64), (number, said)


def backends_are_tried_when_asked():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        there = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
        missing = nobody()
        config = ("listen: 127.0.0.1:0\nloops: 1\nroutes:\n  - path: /\n    gather:\n      calls:\n"
                  f"        - {{name: a, url: 'http://127.0.0.1:{there}/x'}}\n"
                  f"        - {{name: b, url: 'http://127.0.0.1:{missing}/x'}}\n"
                  "        - {name: c, url: 'http://nosuch.invalid/x'}\n")
        same(place.run("check", config)[0], 0)
        code, said = place.run("check", config, options=["--connect"])
        same(code, 1)
        same(len(said), 2, said)
        assert re.match(rf"gateway.yaml:8:26: http://127.0.0.1:{missing} .*refused.*expected", said[0]), said
        assert re.match(r"gateway.yaml:9:26: http://nosuch.invalid .*no such name.*expected", said[1]), said
        code, said = place.run("check", "\n".join(config.split("\n")[:7]) + "\n", options=["--connect"])
        same((code, said), (0, []))


def an_admin_address_that_others_reach_is_told_of():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        for address in ("0.0.0.0:0", "[::]:0"):
            code, said = place.run("check", config_of(rest=f"admin: '{address}'\n"))
            same((code, len(said)), (0, 1), said)
            assert re.match(r"gateway.yaml:3:8: warning: admin is '\S+', which other machines can reach: .*expected", said[0]), said
        for address in ("127.0.0.1:0", "127.9.9.9:0", "localhost:0", "[::1]:0", "unix:a.sock"):
            same(place.run("check", config_of(rest=f"admin: '{address}'\n")), (0, []))
    with Weir("serve", config="admin: 0.0.0.0:0\n" + BASIC) as weir:
        weir.wait_for(r"warn configuration at=\S+gateway.yaml:1:8 warning=\"admin is '0.0.0.0:0', which other machines can reach")
        weir.address()


def a_pool_that_no_route_uses_is_told_of():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        code, said = place.run("check", config_of(rest="pools: {comput: {workers: 1}, blocking: {workers: 1}, odd: {}}\n"))
        same((code, said), (0, ["gateway.yaml:3:9: warning: pool 'comput' is used by no route; did you mean 'compute'?",
                                "gateway.yaml:3:55: warning: pool 'odd' is used by no route; expected one with 'on: odd'"]))
        same(place.run("check", config_of(rest="pools: {odd: {}}\n", route="{path: /, on: odd, hash: {}}")), (0, []))


def the_admin_address_answers_to_names_that_the_file_allows():
    config = "admin: 127.0.0.1:0\nadmin_hosts: [weir.example, scraper-7]\n" + BASIC
    with Weir("serve", config=config) as weir:
        weir.address()
        admin = weir.address("admin")
        for host in ("weir.example", "WEIR.example:8081", "weir.example.", "scraper-7.:80", "scraper-7", "localhost", "127.0.0.1"):
            same(ask(admin, "/healthz", host=host).status, 200, host)
        for host in ("evil.example:8081", "evil.example."):
            refused = ask(admin, "/metrics", host=host)
            same(refused.status, 403)
            assert b"admin_hosts: [evil.example]" in refused.body, refused.body
        same(ask(admin, "/metrics", host="a\"b").status in (400, 403), True)


def output_that_can_t_be_written_is_told():
    with contextlib.ExitStack() as stack:
        place = Place(stack)
        place.run("check", BASIC) # writes gateway.yaml for the commands
        for command in (["--version"], ["load", "--help"], ["check", "gateway.yaml"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([WEIR, *command], stdout=full, stderr=subprocess.PIPE, text=True, cwd=place.path)
            same(done.returncode, 1, command)
            assert re.fullmatch(r"weir: the output cannot be written(: no space left on device)?\n", done.stderr), (command, done.stderr)


def commands_read_an_admin_address_that_is_a_path():
    with Weir("serve", config="admin: unix:admin.sock\n" + BASIC) as weir:
        weir.address()
        for command in ("top --once", "top --once --json", "tasks", "stalls", "advise", "profile --for 100ms"):
            done = subprocess.run([WEIR, *command.split(), "unix:admin.sock"], cwd=weir.directory.name, text=True,
                                  capture_output=True, timeout=PATIENCE)
            same((done.returncode, done.stderr.replace("weir profile: no samples: nothing used CPU time\n", "")), (0, ""), command)
        assert "unix:admin.sock" in subprocess.run([WEIR, "top", "--once", "unix:admin.sock"], cwd=weir.directory.name,
                                                   text=True, capture_output=True, timeout=PATIENCE).stdout
        done = subprocess.run([WEIR, "tasks", "unix:other.sock"], cwd=weir.directory.name, text=True, capture_output=True)
        same((done.returncode, done.stderr), (1, "weir tasks: nothing answers at unix:other.sock: is a gateway running with "
                                                 "'admin: unix:other.sock'?\n"))



def the_operators_page_names_what_there_is():
    def read(path):
        with open(os.path.join(ROOT, path)) as file:
            return file.read()

    page, manual = read("docs/operations.md"), read("docs/weir.1")
    for name in set(re.findall(r"\b(?:weir|process)_[a-z_]+", page)):
        family = re.sub(r"_(?:bucket|sum|count)$", "", name)
        assert re.search(rf"\b{family}\b", manual), f"{name} is no metric that docs/weir.1 has"
    for key in ("exchanges", "connections", "reply", "replies", "drain", "admin_hosts", "at_once", "access_log"):
        assert key in page and key in read("docs/weir.yaml.5"), key


def the_start_says_what_runs():
    with Weir("serve", config=BASIC) as weir:
        weir.address()
        weir.wait_for(r"info starting version=\S+ io=(uring|epoll) loops=1 .*connections=10000 exchanges=2000")


if __name__ == "__main__":
    run(each_good_thing_is_served_and_each_bad_one_is_refused_by_both, check_and_serve_agree_on_any_mixture,
        addresses_that_exclude_each_other_are_refused_by_both, a_port_that_is_taken_is_fine_to_check_alone,
        io_uring_that_is_forbidden_is_named, a_quota_of_half_a_cpu_makes_one_loop, as_many_descriptors_as_may_be_had_are_had, too_few_descriptors_are_refused_by_both,
        backends_are_tried_when_asked, an_admin_address_that_others_reach_is_told_of,
        a_pool_that_no_route_uses_is_told_of,        the_admin_address_answers_to_names_that_the_file_allows, output_that_can_t_be_written_is_told, commands_read_an_admin_address_that_is_a_path, the_operators_page_names_what_there_is,
        the_start_says_what_runs, interfaces=(None,))
