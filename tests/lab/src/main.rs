//! `hats-lab`: a cluster of the real binaries in network namespaces on this machine.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    hats_lab::main()
}
