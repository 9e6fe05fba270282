/* Classic errors of a driver for Realtek's chips, to see what the model says of each: make CHIP=rtl8168h MISTAKE=NO_END_OF_RING. */
#ifndef REALTEK_MISTAKES_H
#define REALTEK_MISTAKES_H

enum mistake {
  NONE,                    /* the rule that the model names */
  NO_BUS_MASTER,           /* dma-disabled */
  RING_ALIGNMENT,          /* ring-alignment */
  NO_TRANSMIT_RING,        /* use-before-ready */
  RING_WHILE_ENABLED,      /* ring-while-enabled */
  NO_END_OF_RING,          /* ring-length */
  LOCKED,                  /* negotiation-order */
  DOORBELL_WHILE_OFF,      /* use-while-disabled */
  UNKNOWN_REGISTER,        /* unknown-register */
  NO_LONGEST_FRAME,        /* negotiation-order */
  RESERVED_BIT,            /* reserved-bits */
  PHY_BUSY,                /* command-busy */
  NO_FIRST,                /* descriptor-order */
  NO_LAST,                 /* frame-without-end */
  EMPTY_BUFFER,            /* descriptor-length */
  PACKET_TOO_LONG,         /* frame-too-long */
  RX_BUFFER_EMPTY,         /* descriptor-length */
  CHECKSUM_OUTSIDE,        /* offload-context */
  VIRTUAL_ADDRESS,         /* dma-fault */
};
#endif
