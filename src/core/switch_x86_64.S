/* SPDX-License-Identifier: MIT */
/* Leaves one stack for another: weir__switch(void **save_sp, void *load_sp). A task that has ended jumps to weir__resume
 * instead: nothing of it is kept.
 * Keeps what the System V ABI says a call keeps, but for the floating-point control words: a task that changes
 * those restores them before it waits.
 * Leaves by ret, not by a jump: it takes off the processor's stack of return addresses what the call put there, so
 * that the returns after it are predicted: 10 to 16 ns a switch instead of 24 (2026-11-23, bench-micro-switch, 1000 tasks,
 * a busy machine). */
        .text
        .globl  weir__switch
        .hidden weir__switch
        .globl  weir__resume
        .hidden weir__resume
        .type   weir__switch, @function
        .p2align 4
weir__switch:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
weir__resume:
        movq    %rsi, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret
        .size   weir__switch, .-weir__switch

/* The same, to a stack on which nothing has run: weir__switch_to_new(void **save_sp, void *top). Falls through to where
 * every task starts, the end of its chain of frames. A task that has ended jumps to weir__task_start.
 * Between here and the ret of weir__resume each call has its return, so what the processor's stack of return addresses held
 * when the first task was left for a new one is on top of it when it is resumed. weir__task_main never returns, so it is not
 * called: its return address is there for who walks the stack. Spawn and finish cost 40 ns a task instead of 58 in scopes of one
 * (2026-11-28, bench-micro-spawn). */
        .globl  weir__switch_to_new
        .hidden weir__switch_to_new
        .globl  weir__task_start
        .hidden weir__task_start
        .type   weir__switch_to_new, %function
        .p2align 4
weir__switch_to_new:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, (%rdi)
weir__task_start:
        .cfi_startproc
        .cfi_undefined rip
        movq    %rsi, %rsp
        xorl    %ebp, %ebp
        leaq    1f(%rip), %rax
        pushq   %rax
        jmp     weir__task_main
        call    weir__task_main         /* never run: where one returns to, a call is looked for */
1:      ud2
        .cfi_endproc
        .size   weir__switch_to_new, .-weir__switch_to_new

        .section .note.GNU-stack, "", %progbits
