/* SPDX-License-Identifier: MIT */
/* The hand-over of jobs to workers (src/pool/handover.c, worker.c, offload.c) as far as threads meet in it:
 * the inbox, the lock that loops only try, giving a job to an idle worker, its sleep, a caller that leaves.
 *
 * CALLERS loops post one job each, and may leave; WORKERS threads run them. Every step that is one atomic
 * operation there is one here; what is done under the lock needs no more, since no other process does it.
 *
 * Checked: no job runs twice, none runs after its caller has left, each goes home exactly once, and always
 * (an end in which a process waits for ever is an invalid end state). tests/e2e/model_test.sh also
 * takes out, one by one, what the code does against that (BREAK=1 …), and sees that each time it is found out.
 */
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef WORKERS
#define WORKERS 2
#endif
#ifndef BREAK
#define BREAK 0
#endif

#define NOBODY 255
#define SUBMIT 0
#define LEAVE 16 /* notes: SUBMIT + job, LEAVE + job */

mtype = { queued, taken, left };

/* the job's */
mtype state[CALLERS];
byte runs[CALLERS], homes[CALLERS];

/* the pool's: word is the lock, 0 free, 1 taken, 2 taken and a process may sleep */
byte word, word_sleepers, word_wakes;    /* a futex: processes that sleep on it, wakes not yet received */
chan inbox = [2 * CALLERS] of { byte };
/* only with the lock */
chan queue = [CALLERS] of { byte };
chan idle = [WORKERS] of { byte };

/* the worker's */
byte given[WORKERS];
bool asleep[WORKERS];                    /* the word of its futex */
bool sleeps[WORKERS], woken[WORKERS];    /* in the kernel */

inline send_home(j)
{
    homes[j]++;
    assert(homes[j] == 1);
}

/* --- with the lock: notes, then giving out. What is to be told is gathered: jobs for home, workers to wake. --- */

inline hold(tell_home, tell_wake)
{
    do
    :: inbox ? note ->
        if
        :: note < LEAVE ->
            if
            :: state[note] == queued -> queue ! note
            :: else -> skip /* its caller has left; the note about that follows */
            fi
        :: else ->
            note = note - LEAVE;
            if
            :: queue ?? [eval(note)] -> queue ?? eval(note)
            :: !(queue ?? [eval(note)])
            fi;
            tell_home = tell_home | (1 << note)
        fi
    :: empty(inbox) -> break
    od;
    do
    :: nempty(queue) && nempty(idle) ->
        queue ? note;
        if
        :: BREAK == 3 || state[note] == queued ->
            state[note] = taken;
            idle ? w;
            given[w] = note;
            tell_wake = tell_wake | (1 << w)
        :: BREAK != 3 && state[note] != queued -> skip /* left: taken out, its note is on its way */
        fi
    :: empty(queue) || empty(idle) -> break
    od;
    note = 0;
    w = 0
}

inline tell(tell_home, tell_wake)
{
    k = 0;
    do
    :: k < CALLERS ->
        if
        :: tell_home & (1 << k) -> send_home(k)
        :: else
        fi;
        k++
    :: else -> break
    od;
    tell_home = 0;
    k = 0;
    do
    :: k < WORKERS ->
        if
        :: tell_wake & (1 << k) ->
            atomic { was_asleep = asleep[k]; asleep[k] = false };
            if
            :: was_asleep ->
                atomic {
                    if
                    :: sleeps[k] -> sleeps[k] = false; woken[k] = true
                    :: else
                    fi
                }
            :: else
            fi
        :: else
        fi;
        k++
    :: else -> break
    od;
    tell_wake = 0;
    k = 0;
    was_asleep = false
}

/* weir__pool_leave(): the lock is ours */
inline leave(tell_home, tell_wake)
{
    do
    :: true ->
        d_step { hold(tell_home, tell_wake) };
        atomic { was_asleep = (word == 2); word = 0 };
        if
        :: was_asleep ->
            atomic {
                if
                :: word_sleepers > 0 -> word_sleepers--; word_wakes++
                :: else
                fi
            }
        :: else
        fi;
        tell(tell_home, tell_wake);
        if
        :: BREAK != 1 && nempty(inbox) -> /* left while we had the lock */
            atomic {
                if
                :: word == 0 -> word = 1
                :: word != 0 -> break
                fi
            }
        :: BREAK == 1 || empty(inbox) -> break
        fi
    od
}

/* weir__pool_post() */
inline post(n, tell_home, tell_wake)
{
    inbox ! n;
    atomic {
        if
        :: word == 0 -> word = 1; got = true
        :: else -> got = false
        fi
    };
    if
    :: got -> got = false; leave(tell_home, tell_wake)
    :: else
    fi
}

proctype caller(byte j)
{
    byte note, w, k, tell_home = 0, tell_wake = 0;
    bool was_asleep, got, went = false;

    post(SUBMIT + j, tell_home, tell_wake);
    if /* it may be cancelled while it waits */
    :: atomic {
           if
           :: BREAK == 4 || state[j] == queued -> state[j] = left; went = true
           :: else
           fi
       }
    :: skip
    fi;
    if
    :: went -> post(LEAVE + j, tell_home, tell_wake)
    :: else
    fi;
    homes[j] > 0; /* parked until the message comes */
    assert(runs[j] == (went -> 0 : 1))
}

proctype worker(byte me)
{
    byte note, w, k, job, tell_home = 0, tell_wake = 0;
    bool was_asleep;

    do
    :: /* await(): is there a job? */
        atomic { job = given[me]; given[me] = NOBODY };
        if
        :: job != NOBODY ->
            runs[job]++;
            assert(runs[job] == 1);
            /* weir__lock_enter() */
            atomic { was_asleep = (word != 0); word = (word == 0 -> 1 : word) };
            do
            :: was_asleep ->
                /* a process that slept does not know whether others sleep: 2 again, not 1 */
                atomic { was_asleep = (word != 0); word = (BREAK == 5 && word == 0 -> 1 : 2) };
                if
                :: was_asleep ->
                    atomic {
                        if
                        :: word == 2 -> word_sleepers++; was_asleep = true
                        :: else -> was_asleep = false
                        fi
                    };
                    if
                    :: was_asleep -> atomic { word_wakes > 0 -> word_wakes-- }
                    :: else -> was_asleep = true
                    fi
                :: else
                fi
            :: else -> break
            od;
            skip;
            d_step {
                idle ! me;
                tell_home = tell_home | (1 << job)
            };
            leave(tell_home, tell_wake)
        :: else ->
            asleep[me] = true;
            if
            :: BREAK == 2 || given[me] == NOBODY ->
                atomic { /* the kernel looks at the word before it lets one sleep */
                    if
                    :: asleep[me] -> sleeps[me] = true
                    :: else
                    fi
                };
                if
                :: sleeps[me] || woken[me] ->
end:                atomic { woken[me] -> woken[me] = false }
                :: else
                fi
            :: else
            fi;
            asleep[me] = false
        fi
    od
}

init {
    byte i;

    atomic {
        i = 0;
        do
        :: i < WORKERS -> given[i] = NOBODY; idle ! i; run worker(i); i++
        :: else -> break
        od;
        i = 0;
        do
        :: i < CALLERS -> state[i] = queued; run caller(i); i++
        :: else -> break
        od
    }
}
