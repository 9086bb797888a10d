/* SPDX-License-Identifier: MIT */
/* Leaves one stack for another: weir__switch(void **save_sp, void *load_sp). A task that has ended jumps to weir__resume
 * instead: nothing of it is kept.
 * Keeps what AAPCS64 says a call keeps: x19-x30, d8-d15, sp. Leaves by ret, as on x86-64.
 * The barrier: who sees where the one was left sees all it wrote before, and who sees what the other writes sees that it
 * runs (view.h). On x86-64 stores are seen in their order anyway. */
        .text
        .globl  weir__switch
        .hidden weir__switch
        .globl  weir__resume
        .hidden weir__resume
        .type   weir__switch, %function
        .p2align 4
weir__switch:
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        dmb     ishst
        str     x9, [x0]
weir__resume:
        mov     sp, x1
        ldp     x19, x20, [sp, #0]
        ldp     x21, x22, [sp, #16]
        ldp     x23, x24, [sp, #32]
        ldp     x25, x26, [sp, #48]
        ldp     x27, x28, [sp, #64]
        ldp     x29, x30, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        add     sp, sp, #160
        ret
        .size   weir__switch, .-weir__switch

/* The same, to a stack on which nothing has run: weir__switch_to_new(void **save_sp, void *top). Falls through to where
 * every task starts, the end of its chain of frames. A task that has ended jumps to weir__task_start. Its returns are predicted
 * as on x86-64. */
        .globl  weir__switch_to_new
        .hidden weir__switch_to_new
        .globl  weir__task_start
        .hidden weir__task_start
        .type   weir__switch_to_new, %function
        .p2align 4
weir__switch_to_new:
        sub     sp, sp, #160
        stp     x19, x20, [sp, #0]
        stp     x21, x22, [sp, #16]
        stp     x23, x24, [sp, #32]
        stp     x25, x26, [sp, #48]
        stp     x27, x28, [sp, #64]
        stp     x29, x30, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        dmb     ishst
        str     x9, [x0]
weir__task_start:
        .cfi_startproc
        .cfi_undefined x30
        mov     sp, x1
        mov     x29, xzr
        adr     x30, 1f
        b       weir__task_main
        bl      weir__task_main         /* never run: where one returns to, a call is looked for */
1:      brk     #1
        .cfi_endproc
        .size   weir__switch_to_new, .-weir__switch_to_new

        .section .note.GNU-stack, "", %progbits
