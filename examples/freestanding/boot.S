/* What a multiboot loader (QEMU's -kernel, GRUB) needs to find; then a stack, and C. The processor is in 32-bit
   protected mode without paging: every address is a physical one. */
  .section .multiboot, "a"
  .align 4
  .long 0x1badb002, 0, -0x1badb002

  .text
  .globl start
start:
  cli
  mov $stack_top, %esp
  call main
1:hlt
  jmp 1b

  .bss
  .align 16
  .skip 16384
stack_top:

  .section .note.GNU-stack, "", @progbits
