//! The subscribers' side: the Unix socket, its connections, and who gets what.
//!
//! Connections are tasks that only move bytes. What they are told is decided
//! by [`Hub`], which the driver owns: a snapshot and the events after it are
//! queued by one hand, so nothing can come between them.

mod connection;
mod endpoint;
mod hub;
mod outbox;

#[cfg(test)]
mod tests;

use std::{io, sync::Arc, time::Duration};

use hats_proto::ipc;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use outbox::Outbox;

pub(crate) use endpoint::{Endpoint, OpenError};
pub(crate) use hub::{Hub, Place, Wants};

/// Connections at once.
const CONNECTIONS_MAX: usize = 1000;

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
        pid: u32,
        uid: u32,
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
    Closed {
        id: ConnectionId,
    },
}

/// Accepts connections for as long as the daemon lives.
pub(crate) fn start(listener: UnixListener) -> mpsc::Receiver<Input> {
    let (daemon, inputs) = mpsc::channel(INPUTS_MAX);
    tokio::spawn(accept(listener, daemon));
    inputs
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
        if Arc::strong_count(&open) > CONNECTIONS_MAX {
            turn_away(&stream);
            continue;
        }
        next += 1;
        let id = ConnectionId(next);
        let outbox = Arc::new(Outbox::default());
        let (pid, uid) = peer(&stream).unwrap_or_default();
        let opened = Input::Opened { id, outbox: Arc::clone(&outbox), pid, uid };
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

fn peer(stream: &UnixStream) -> io::Result<(u32, u32)> {
    let credentials = stream.peer_cred()?;
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or(0);
    Ok((pid, credentials.uid()))
}

fn turn_away(stream: &UnixStream) {
    let message = format!("{CONNECTIONS_MAX} connections are open, which is the most there may be");
    let frame = hub::error(ipc::error::Kind::Unspecified, message);
    // Whoever cannot take even this is told by the connection's end.
    let _ = stream.try_write(&frame);
}
