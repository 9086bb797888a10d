/* Leaves one stack for another: weir__switch(void **save_sp, void *load_sp).
 * Keeps what the System V ABI says a call keeps, but for the floating-point control words: a task that changes
 * those restores them before it waits.
 * Leaves by ret, not by a jump: it takes off the processor's stack of return addresses what the call put there, so
 * that the returns after it are predicted: 10 to 16 ns a switch instead of 24 (2026-11-23, bench-micro-switch, 1000 tasks,
 * a busy machine). */
        .text
        .globl  weir__switch
        .hidden weir__switch
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
 * every task starts, the end of its chain of frames: a return to there would never be predicted. */
        .globl  weir__switch_to_new
        .hidden weir__switch_to_new
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
        movq    %rsi, %rsp
weir__task_start:
        .cfi_startproc
        .cfi_undefined rip
        xorl    %ebp, %ebp
        call    weir__task_main
        ud2
        .cfi_endproc
        .size   weir__switch_to_new, .-weir__switch_to_new

        .section .note.GNU-stack, "", %progbits
