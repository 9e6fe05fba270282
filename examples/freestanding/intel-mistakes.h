/* Classic errors of a driver for Intel's chips, to see what the model says of each: make MISTAKE=NO_BUS_MASTER. */
#ifndef INTEL_MISTAKES_H
#define INTEL_MISTAKES_H

enum mistake {
  NONE,                    /* the rule that the model names */
  NO_BUS_MASTER,           /* dma-disabled */
  TRANSMITTER_BEFORE_RING, /* ring-length */
  RING_LENGTH,             /* ring-length */
  RING_WHILE_ENABLED,      /* ring-while-enabled */
  TAIL_BEYOND_RING,        /* tail-beyond-ring */
  UNKNOWN_REGISTER,        /* unknown-register */
  NARROW_ACCESS,           /* access-width */
  NO_SUCH_PHY,             /* phy-address */
  NVM_BEYOND_END,          /* nvm-access */
  NO_PADDING,              /* frame-too-short */
  NO_END,                  /* frame-without-end */
  EMPTY_BUFFER,            /* descriptor-length */
  PACKET_TOO_LONG,         /* frame-too-long */
  UNKNOWN_DESCRIPTOR,      /* descriptor-type */
  CHECKSUM_OUTSIDE,        /* offload-context */
  VIRTUAL_ADDRESS,         /* dma-fault */
};
#endif
