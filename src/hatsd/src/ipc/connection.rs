//! One connection: reads requests, writes what its outbox holds.

use std::{io, sync::Arc, time::Duration};

use hats_proto::ipc;
use hats_wire::link::Frames;
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
    time::timeout,
};

use super::{
    ConnectionId, Input,
    outbox::{Next, Outbox},
};

/// The longest request; the longest thing in one is a filter.
const REQUEST_MAX: usize = 64 << 10;

/// Who says nothing for so long is no subscriber.
const HELLO_WAIT: Duration = Duration::from_secs(10);

/// Serves `stream` to its end, and tells the daemon of it.
pub(super) async fn serve(
    id: ConnectionId,
    stream: UnixStream,
    outbox: Arc<Outbox>,
    daemon: mpsc::Sender<Input>,
) {
    let (reader, writer) = stream.into_split();
    let why = tokio::select! {
        why = read(id, reader, &outbox, &daemon) => why,
        why = write(id, writer, &outbox, &daemon) => why,
    };
    if let Err(error) = why {
        tracing::debug!("connection {}: {error}", id.0);
    }
    // The daemon is stopping when nobody takes it.
    let _ = daemon.send(Input::Closed { id }).await;
}

async fn read(
    id: ConnectionId,
    mut reader: OwnedReadHalf,
    outbox: &Outbox,
    daemon: &mpsc::Sender<Input>,
) -> io::Result<()> {
    let mut frames = Frames::new();
    let mut unfinished = 0;
    let mut greeted = false;
    let mut buffer = vec![0; 4096];
    loop {
        let taken = if greeted {
            reader.read(&mut buffer).await?
        } else {
            timeout(HELLO_WAIT, reader.read(&mut buffer)).await??
        };
        if taken == 0 {
            return Ok(());
        }
        frames.push(&buffer[..taken]);
        unfinished += taken;
        loop {
            let frame = match frames.next() {
                Ok(Some(frame)) => frame,
                Ok(None) if unfinished <= REQUEST_MAX => break,
                Ok(None) => return refuse(id, daemon, "a request is too long").await,
                Err(error) => return refuse(id, daemon, &error.to_string()).await,
            };
            unfinished = 0;
            let request = match ipc::Request::decode(frame.as_slice()) {
                Ok(ipc::Request { body: Some(body) }) => body,
                Ok(ipc::Request { body: None }) => {
                    return refuse(id, daemon, "a request of no known kind").await;
                }
                Err(_) => return refuse(id, daemon, "not a Request in protobuf").await,
            };
            greeted = true;
            outbox.settled().await;
            if daemon.send(Input::Asked { id, request }).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// Has the daemon say why, and waits for the writer to end the connection.
async fn refuse(id: ConnectionId, daemon: &mpsc::Sender<Input>, why: &str) -> io::Result<()> {
    let bad = Input::Bad { id, why: why.to_owned() };
    if daemon.send(bad).await.is_ok() {
        std::future::pending::<()>().await;
    }
    Ok(())
}

async fn write(
    id: ConnectionId,
    mut writer: OwnedWriteHalf,
    outbox: &Outbox,
    daemon: &mpsc::Sender<Input>,
) -> io::Result<()> {
    loop {
        match outbox.next().await {
            Next::Write(bytes) => writer.write_all(&bytes).await?,
            Next::Tell => {
                if daemon.send(Input::Drained { id }).await.is_err() {
                    return Ok(());
                }
            }
            Next::Close => return Ok(()),
        }
    }
}
