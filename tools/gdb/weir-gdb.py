# SPDX-License-Identifier: MIT
"""The tasks of a Weir program in gdb: of a core dump, or of a stopped process.

    gdb -x weir-gdb.py PROGRAM CORE
    gdb -x weir-gdb.py -p PID
    (gdb) weir tasks            every task of every loop, as a tree
    (gdb) weir tasks TEXT       only tasks with TEXT in their name, route or wait, and their ancestors
    (gdb) weir task ID          everything about one task
    (gdb) weir task ID bt       its backtrace, from the registers saved at its last switch

Needs the program's debug information. Nothing in the program is called or changed, so a core dump suffices if the
kernel wrote it. gcore (and gdb's generate-core-file) leave out the rest of a mapping after a page that cannot be read, and each
stack has such a guard page.
"""
import re

import gdb
from gdb.unwinder import Unwinder

SAVED = {  # the registers that a switch saves at a task's sp, lowest first; see switch_*.S
    "i386:x86-64": (["r15", "r14", "r13", "r12", "rbx", "rbp", "rip"], "rsp", 7 * 8),
    "aarch64": ([f"x{n}" for n in range(19, 31)], "sp", 160),
}
DEPTH_MAX = 500
NEVER = (1 << 63) - 1
NAME_MAX = 128


class Problem(Exception):
    pass


# ---- reading: memory is not trusted, because it may be what crashed the program ----

def number(value):
    """Returns the value of an integer or a pointer, also of an atomic one."""
    return int(value.cast(gdb.lookup_type("unsigned long")))


def text_at(pointer, most=NAME_MAX):
    address = number(pointer)
    if address == 0:
        return None
    found = b""
    try:
        while len(found) < most and b"\0" not in found:
            found += bytes(gdb.selected_inferior().read_memory(address + len(found), 1))
    except gdb.MemoryError:
        return None if not found else found.decode("utf-8", "replace") + "…"
    return found.split(b"\0")[0].decode("utf-8", "replace")


def pointed(type_name, address):
    return gdb.Value(address).cast(gdb.lookup_type(type_name).pointer()).dereference()


def is_simulated(loop):
    return number(loop["heartbeat"]["virtual_ns"]) != 0


# ---- loops ----

def loop_of_thread(thread):
    thread.switch()
    try:
        loop = number(gdb.parse_and_eval("weir__loop_here"))
        if loop:
            return loop
    except gdb.error:
        pass
    # Without thread-local storage (no libthread_db for this dump): finds the loop in a frame that has it.
    frame, depth = gdb.newest_frame(), 0
    while frame is not None and depth < DEPTH_MAX:
        if frame.name() in ("weir__loop_turn_until", "weir__tasks_run"):
            try:
                return number(frame.read_var("loop"))
            except (gdb.error, ValueError):
                pass
        frame, depth = frame.older(), depth + 1
    return 0


def find_loops():
    """Returns the address and thread of each loop, in the order of their numbers, runtime by runtime."""
    selected = gdb.selected_thread()
    if selected is None:
        raise Problem("there is no process and no dump: gdb -x weir-gdb.py PROGRAM CORE")
    try:
        gdb.lookup_type("struct weir__task")
    except gdb.error:
        raise Problem("this program has no debug information of libweir")
    found = {}
    try:
        for thread in gdb.selected_inferior().threads():
            address = loop_of_thread(thread)
            if address:
                found[address] = thread
    finally:
        selected.switch()
    if not found:
        raise Problem("no thread of this program is a loop of libweir")
    return sorted(found.items(), key=lambda item: (number(pointed("struct weir__loop", item[0])["runtime"]),
                                                   int(pointed("struct weir__loop", item[0])["index"])))


# ---- tasks ----

class Task:
    def __init__(self, loop, record):
        self.loop, self.record, self.address = loop, record, number(record.address)
        self.id = number(record["id"])
        self.name = text_at(record["name"]) or "?"
        self.parent, self.children = None, []
        self.sp = number(record["sp"])
        self.is_running = self.sp == 0
        self.is_parked = not self.is_running and str(record["state"].cast(gdb.lookup_type("int"))) == "1"
        self.home = number(record["home"])
        self.deadline = None
        try:
            deadline = int(record["scope"].dereference()["deadline_ns"])
            self.deadline = deadline if deadline != NEVER else None
        except gdb.MemoryError:
            pass

    def route(self):
        try:
            activity = self.record["activity"]
            return text_at(activity.dereference()["route"]) if number(activity) else None
        except gdb.MemoryError:
            return None

    def state(self):
        return "running" if self.is_running else "parked" if self.is_parked else "ready"

    def spawned_at(self):
        address = number(self.record["spawned_at"])
        if address == 0:
            return None
        place = gdb.find_pc_line(address - 1)
        block = gdb.block_for_pc(address - 1)
        while block is not None and block.function is None:
            block = block.superblock
        where = f" {place.symtab.filename.rsplit('/', 1)[-1]}:{place.line}" if place.symtab else ""
        return (block.function.name if block is not None else hex(address)) + where

    def wait(self):
        """Describes a wait in words. The program, which does not run, composes the particulars; only the most common ones are composed here."""
        if not self.is_parked:
            return None
        try:
            words = text_at(self.record["wait"].dereference()["words"]) or "?"
            detail = DETAILS.get(words)
            return (detail and detail(self.record)) or words
        except (gdb.MemoryError, gdb.error):
            return "?"

    def scopes(self):
        """Returns the scopes that the task has open, outermost first."""
        found, at = [], self.record["scope"]
        try:
            while number(at) not in (0, self.home) and len(found) < DEPTH_MAX:
                if number(at["owner"]) != self.address:
                    break
                found.append(at.dereference())
                at = at["parent"]
        except gdb.MemoryError:
            pass
        return found[::-1]


def left(ns):
    return f"{ns / 1e9:.1f} s" if abs(ns) >= 1e9 else f"{ns / 1e6:.0f} ms"


def wait_arg(record, type_name):
    return record["wait_arg"].cast(gdb.lookup_type(type_name).pointer()).dereference()


def describe_sleep(record):
    timer = wait_arg(record, "struct sleeper")["timeout"]["timer"]
    if number(timer["node"]["next"]) == number(timer["node"].address):
        return "sleeping for ever"
    return "sleeping for another " + left(int(timer["expires_ns"]) - int(record["loop"]["now_ns"]))


def describe_scope(record):
    return f"the tasks of its scope ({int(wait_arg(record, 'struct weir__scope')['live'])} left)"


def describe_job(record):
    job = wait_arg(record, "struct weir_job")
    pool = text_at(job["pool"].dereference()["name"].address)
    return f"running in {pool}" if number(job["started_ns"]) else f"slot in {pool}"


def describe_answer(record):
    return text_at(wait_arg(record, "struct weir__fetch")["connection"]["origin"]["waits_for"])


def with_descriptor(words):
    return lambda record: f"{words}, descriptor {int(wait_arg(record, 'struct weir__transport_wait')['op']['file']['fd'])}"


DETAILS = {
    "sleeping": describe_sleep,
    "the tasks of its scope": describe_scope,
    "an answer": describe_answer,
    "a job": describe_job,
    "reading from a stream": with_descriptor("reading from a stream"),
    "writing to a stream": with_descriptor("writing to a stream"),
    "accepting a connection": with_descriptor("accepting a connection"),
    "connecting": with_descriptor("connecting"),
}


def records(loop):
    """Yields the record of each task of a loop, which is at the top of its stack; looks at every stack ever made."""
    stacks = loop["stacks"]
    size, stride = int(stacks["bytes"]), int(stacks["stride"])
    page_bits = int(stacks["page_bits"])
    task_type = gdb.lookup_type("struct weir__task")
    arena = number(stacks["arenas"])
    while arena:
        a = pointed("struct weir__stack_arena", arena)
        memory = number(a["memory"])
        for i in range(number(a["unused"]), int(a["count"])):
            base = memory + i * stride
            address = base + size - task_type.sizeof - (base >> page_bits) % 16 * 64
            record = gdb.Value(address).cast(task_type.pointer()).dereference()
            try:
                if number(record["id"]) != 0:
                    yield record
            except gdb.MemoryError:
                pass # a dump without this page
        arena = number(a["next"])


class Loop:
    def __init__(self, record, thread):
        self.record, self.thread = record, thread
        self.tasks = sorted((Task(record, task) for task in records(record)), key=lambda task: task.id)
        by_address = {task.address: task for task in self.tasks}
        for task in self.tasks:
            try:
                owner = number(task.record["home"].dereference()["owner"])
            except gdb.MemoryError:
                owner = 0
            task.parent = by_address.get(owner)
            if task.parent is not None:
                task.parent.children.append(task)
        self.now_ns = int(record["now_ns"]) # the time at which the loop last read the clock
        self.name = ""

    def title(self):
        tasks = f"{len(self.tasks)} task{'s' * (len(self.tasks) != 1)}"
        return f"{self.name}, thread {self.thread.num}: {tasks}" + ", on virtual time" * is_simulated(self.record)

    def is_cut_off(self):
        return not self.tasks and number(self.record["tasks_seen"]) > 0


def find_tasks():
    """Returns the loops, with their tasks in the order of their ids, each with its children."""
    loops = [Loop(pointed("struct weir__loop", address), thread) for address, thread in find_loops()]
    runtimes = []
    for loop in loops:
        runtime = number(loop.record["runtime"])
        if runtime not in runtimes:
            runtimes.append(runtime)
    # The loop that read the clock last has the best time: other loops may have been asleep for long.
    latest_ns = max((loop.now_ns for loop in loops if not is_simulated(loop.record)), default=0)
    for loop in loops:
        if not is_simulated(loop.record):
            loop.now_ns = latest_ns
        loop.name = f"loop {int(loop.record['index'])}"
        if len(runtimes) > 1:
            loop.name = f"runtime {runtimes.index(number(loop.record['runtime'])) + 1}, {loop.name}"
    return loops


# ---- the tree ----

def line_of(task, now_ns):
    parts = [f"{task.name} #{task.id}", task.wait() or task.state(),
             "age " + left(now_ns - int(task.record["created_ns"]))]
    if task.deadline is not None:
        parts.append("left " + left(task.deadline - now_ns))
    if task.route() and task.route() != task.name:
        parts.append("for " + task.route())
    if task.spawned_at():
        parts.append("from " + task.spawned_at())
    return "  ".join(parts)


def mark(tasks, text):
    """Returns the ids of the tasks with the text, and of their ancestors."""
    wanted = set()
    for task in tasks:
        if any(text.lower() in (part or "").lower() for part in (task.name, task.route(), task.wait())):
            while task is not None and task.id not in wanted:
                wanted.add(task.id)
                task = task.parent
    return wanted


def print_tree(tasks, now_ns, wanted):
    stack = [(task, "") for task in reversed(tasks) if task.parent is None and task.id in wanted]
    while stack: # the depth is up to the program
        task, prefix = stack.pop()
        print(prefix + line_of(task, now_ns))
        scopes = {number(scope.address): int(scope["id"]) for scope in task.scopes()}
        below = sorted((child for child in task.children if child.id in wanted),
                       key=lambda child: (scopes.get(child.home, 0), child.id))
        stack += [(child, prefix + "   ") for child in reversed(below)]


class WeirCommand(gdb.Command):
    """Tasks of programs that use libweir: weir tasks, weir task ID bt."""

    def __init__(self):
        super().__init__("weir", gdb.COMMAND_STACK, gdb.COMPLETE_NONE, True)


class TasksCommand(gdb.Command):
    """weir tasks [TEXT]: every task of every loop as a tree, with what it waits for.
With TEXT only tasks that have it in their name, route or wait, and their ancestors."""

    def __init__(self):
        super().__init__("weir tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        try:
            for loop in find_tasks():
                wanted = mark(loop.tasks, argument) if argument else {task.id for task in loop.tasks}
                print(loop.title())
                if loop.is_cut_off():
                    print("   Its stacks are not in this dump. gcore leaves them out; a dump that the kernel writes has them.")
                print_tree(loop.tasks, loop.now_ns, wanted)
        except Problem as problem:
            raise gdb.GdbError(f"weir tasks: {problem}")


# ---- backtraces ----

class TaskUnwinder(Unwinder):
    """Makes the frame of a parked task follow the top frame. So it works in a dump, too, where
    no register can be set."""

    def __init__(self):
        super().__init__("weir-task")
        self.registers, self.top, self.sp = None, None, 0

    def __call__(self, pending):
        if self.registers is None:
            return None
        pc = number(pending.read_register("pc"))
        sp = number(pending.read_register("sp"))
        if (pc, sp) != self.top:
            return None
        # Independent of where the thread's own stack is: gdb ends a backtrace that goes to lower addresses.
        unwind = pending.create_unwind_info(FrameId(self.sp, pc))
        for name, value in self.registers.items():
            unwind.add_saved_register(name, gdb.Value(value).cast(pending.read_register(name).type))
        return unwind


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = gdb.Value(sp), gdb.Value(pc)


unwinder = TaskUnwinder()


def saved_registers(task):
    architecture = gdb.selected_inferior().architecture().name()
    if architecture not in SAVED:
        raise Problem(f"the switch is not known on {architecture}")
    names, sp_name, size = SAVED[architecture]
    words = bytes(gdb.selected_inferior().read_memory(task.sp, len(names) * 8))
    registers = {name: int.from_bytes(words[8 * i:8 * i + 8], "little") for i, name in enumerate(names)}
    registers[sp_name] = task.sp + size
    if "x30" in registers:
        registers["pc"] = registers["x30"]
    return registers


def backtrace(task, thread):
    if task.is_running:
        selected = gdb.selected_thread()
        thread.switch()
        try:
            gdb.execute("backtrace")
        finally:
            selected.switch()
        return
    if task.sp == task.address:
        print("It has not run yet: it begins in " + str(task.record["fn"]))
        return
    frame = gdb.newest_frame()
    unwinder.top = (number(frame.read_register("pc")), number(frame.read_register("sp")))
    unwinder.registers, unwinder.sp = saved_registers(task), task.sp
    gdb.invalidate_cached_frames()
    try:
        lines = gdb.execute("backtrace", to_string=True).splitlines()
    finally:
        unwinder.registers = None
        gdb.invalidate_cached_frames()
    seen_first = False
    for line in lines: # without the frame that it was attached to
        numbered = re.match(r"#(\d+)(\s+)(.*)", line)
        if numbered and numbered[1] == "0":
            continue
        seen_first = seen_first or numbered is not None
        if seen_first:
            print(f"#{int(numbered[1]) - 1}{numbered[2]}{numbered[3]}" if numbered else line)


class TaskCommand(gdb.Command):
    """weir task ID [bt]: everything about one task; bt: its backtrace."""

    def __init__(self):
        super().__init__("weir task", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split()
        if not words or not words[0].isdigit() or words[1:] not in ([], ["bt"]):
            raise gdb.GdbError("weir task: expected ID or ID bt, an ID as 'weir tasks' prints it")
        try:
            found = [(task, loop) for loop in find_tasks() for task in loop.tasks if task.id == int(words[0])]
            for task, loop in found: # each runtime numbers its own tasks
                if len(found) > 1:
                    print(f"{loop.name}:")
                self.show(task, loop, len(words) > 1)
        except Problem as problem:
            raise gdb.GdbError(f"weir task: {problem}")
        if not found:
            raise gdb.GdbError(f"weir task: no task {words[0]}; 'weir tasks' lists them")

    def show(self, task, loop, with_backtrace):
        print(line_of(task, loop.now_ns))
        if with_backtrace:
            backtrace(task, loop.thread)
            return
        print(f"   record (struct weir__task *) {hex(task.address)}, function {task.record['fn']}, argument {task.record['arg']}")
        for scope in task.scopes():
            deadline = int(scope["deadline_ns"])
            print(f"   scope {int(scope['id'])} (struct weir__scope *) {hex(number(scope.address))}: {int(scope['live'])} tasks"
                  + (", left " + left(deadline - loop.now_ns) if deadline != NEVER else "")
                  + (f", cancelled with {int(scope['cause'])}" if int(scope["cause"]) else ""))


gdb.unwinder.register_unwinder(None, unwinder, replace=True)
WeirCommand()
TasksCommand()
TaskCommand()
