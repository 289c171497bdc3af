package cmdutil

const FaultOwnerEnv = "SHOPCTL_FAULT_OWNER"
