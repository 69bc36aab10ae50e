//! The messages of hats, generated from `proto/hats/*/v1.proto`.
//!
//! Nothing is written by hand here: what the messages mean is said in the
//! `.proto` files, conversion to the types of a program is that program's part.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// Between nodes: the bodies of datagrams.
pub mod wire {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/hats.wire.v1.rs"));
}

/// Between hatsd and its NIMs.
pub mod nim {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/hats.nim.v1.rs"));
}

/// Between hatsd and its subscribers.
pub mod ipc {
    #![allow(missing_docs, clippy::all, unreachable_pub)]
    include!(concat!(env!("OUT_DIR"), "/hats.ipc.v1.rs"));
}

/// The descriptors of all three packages, for clients that build their
/// message types at run time (a `google.protobuf.FileDescriptorSet`).
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/hats.binpb"));
