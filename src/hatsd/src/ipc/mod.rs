//! The subscribers' side: the Unix socket, its connections, and who gets what.
//!
//! Connections are tasks on a thread of their own that only move bytes. What
//! they are told is decided by [`Hub`], which the driver owns: a snapshot and the
//! events after it are queued by one hand, so nothing can come between them.

#[cfg(test)]
mod bench;
mod changes;
#[cfg(test)]
mod conformance;
mod connection;
mod conversation;
#[cfg(test)]
mod damage;
mod endpoint;
mod filter;
mod hub;
mod outbox;
mod permission;
mod recent;
mod replay;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod views;

use std::{io, os::unix::net::UnixListener as StdListener, sync::Arc, thread, time::Duration};

use hats_proto::ipc;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use outbox::Outbox;
use permission::Peer;

use crate::journal::Cursor;

pub(crate) use endpoint::{Endpoint, OpenError};
pub(crate) use hub::{Hub, Place, Wants};
pub(crate) use permission::Readers;

/// Connections at once.
const CONNECTIONS_MAX: usize = 1200;

/// Of these, so many are for root alone: whoever opens all the others does not
/// keep an administrator from looking.
const CONNECTIONS_ROOT: usize = 32;

/// Reads of the journal at once.
const READS_MAX: usize = 2;

/// Requests of all connections that may wait for the daemon.
const INPUTS_MAX: usize = 256;

/// One connection; never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct ConnectionId(u64);

/// What happened on a connection.
#[derive(Debug)]
pub(crate) enum Input {
    Opened {
        id: ConnectionId,
        outbox: Arc<Outbox>,
        peer: Peer,
    },
    Asked {
        id: ConnectionId,
        request: ipc::request::Body,
    },
    /// What was sent is no request.
    Bad {
        id: ConnectionId,
        why: String,
    },
    /// Everything queued has been written, as asked for.
    Drained {
        id: ConnectionId,
    },
    /// What the journal had has been written, up to here.
    Replayed {
        id: ConnectionId,
        cursor: Cursor,
        /// It had anything.
        advanced: bool,
        /// Events written.
        sent: u64,
        /// Some were missing.
        gap: bool,
    },
    /// No more requests come.
    Finished {
        id: ConnectionId,
    },
    Closed {
        id: ConnectionId,
    },
}

/// Accepts connections for as long as the daemon lives, on a thread of its own:
/// a thousand subscribers that are written to do not keep the driver waiting.
pub(crate) fn start(listener: StdListener) -> io::Result<mpsc::Receiver<Input>> {
    let (daemon, inputs) = mpsc::channel(INPUTS_MAX);
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(READS_MAX).build()?;
    let listener = {
        let _inside = runtime.enter();
        UnixListener::from_std(listener)?
    };
    thread::Builder::new()
        .name("ipc".to_owned())
        .spawn(move || runtime.block_on(accept(listener, daemon)))?;
    Ok(inputs)
}

async fn accept(listener: UnixListener, daemon: mpsc::Sender<Input>) {
    // Each connection holds a copy: what is left over counts them.
    let open = Arc::new(());
    let mut next = 0;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: those waiting are served
                // when others are gone.
                tracing::warn!("a subscriber cannot be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let peer = peer(&stream).unwrap_or_else(|error| {
            // Nobody, who may nothing.
            tracing::warn!("a subscriber's credentials cannot be read: {error}");
            Peer { pid: 0, uid: u32::MAX, gid: u32::MAX, groups: Vec::new() }
        });
        let reserved = if peer.uid == 0 { 0 } else { CONNECTIONS_ROOT };
        if Arc::strong_count(&open) > CONNECTIONS_MAX - reserved {
            turn_away(&stream, CONNECTIONS_MAX - reserved);
            continue;
        }
        next += 1;
        let id = ConnectionId(next);
        let outbox = Arc::new(Outbox::default());
        let opened = Input::Opened { id, outbox: Arc::clone(&outbox), peer };
        if daemon.send(opened).await.is_err() {
            return;
        }
        let (counted, daemon) = (Arc::clone(&open), daemon.clone());
        tokio::spawn(async move {
            connection::serve(id, stream, outbox, daemon).await;
            drop(counted);
        });
    }
}

fn peer(stream: &UnixStream) -> io::Result<Peer> {
    let credentials = stream.peer_cred()?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    let groups = hats_sys::peer_groups(stream)?;
    Ok(Peer { pid, uid: credentials.uid(), gid: credentials.gid(), groups })
}

fn turn_away(stream: &UnixStream, most: usize) {
    let message = format!("{most} connections are open, which is the most there may be");
    let frame = conversation::error(ipc::error::Kind::Full, message);
    // Whoever cannot take even this is told by the connection's end.
    let _ = stream.try_write(&frame);
}
