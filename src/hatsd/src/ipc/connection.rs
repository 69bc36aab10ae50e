//! One connection: reads requests, writes what its outbox holds.

use std::{io, pin::pin, sync::Arc, time::Duration};

use hats_proto::ipc;
use hats_wire::link::Frames;
use prost::Message as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    net::unix::{OwnedReadHalf, OwnedWriteHalf},
    sync::mpsc,
    time::{sleep, timeout},
};

use super::{
    ConnectionId, Input,
    outbox::{Next, Outbox},
};

/// The longest request; the longest thing in one is a filter.
const REQUEST_MAX: usize = 64 << 10;

/// Read at once.
const READ_BYTES: usize = 1024;

/// Who has not sent its first request by then is no subscriber.
const HELLO_WAIT: Duration = Duration::from_secs(10);

/// Who asks for nothing more, and has taken nothing for so long of what it has
/// asked for, is not served any longer.
const TAKEN_WAIT: Duration = Duration::from_secs(30);

/// How long a connection that is over may take to read why.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Serves `stream` to its end, and tells the daemon of it.
pub(super) async fn serve(
    id: ConnectionId,
    stream: UnixStream,
    outbox: Arc<Outbox>,
    daemon: mpsc::Sender<Input>,
) {
    let (mut reader, mut writer) = stream.into_split();
    let why = tokio::select! {
        why = read(id, &mut reader, &outbox, &daemon) => why,
        why = write(id, &mut writer, &outbox, &daemon) => why,
    };
    match why {
        Ok(()) => {
            // Closing with something unread would take the last words back.
            let _ = writer.shutdown().await;
            let _ = timeout(LAST_WAIT, discard(&mut reader)).await;
        }
        Err(error) => tracing::debug!("connection {}: {error}", id.0),
    }
    // The daemon is stopping when nobody takes it.
    let _ = daemon.send(Input::Closed { id }).await;
}

async fn read(
    id: ConnectionId,
    reader: &mut OwnedReadHalf,
    outbox: &Outbox,
    daemon: &mpsc::Sender<Input>,
) -> io::Result<()> {
    let mut frames = Frames::new();
    let mut greeted = false;
    let mut late = pin!(sleep(HELLO_WAIT));
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let taken = tokio::select! {
            taken = reader.read(&mut buffer) => taken?,
            () = &mut late, if !greeted => {
                let seconds = HELLO_WAIT.as_secs();
                let why = format!("no request has come within {seconds} s, expected Hello");
                return refuse(id, daemon, &why).await;
            }
        };
        if taken == 0 {
            if !frames.is_between() {
                let unfinished = frames.unfinished();
                let why = format!("the connection ended {unfinished} bytes into a request");
                return refuse(id, daemon, &why).await;
            }
            return finish(id, outbox, daemon).await;
        }
        frames.push(&buffer[..taken]);
        loop {
            let frame = match frames.next() {
                Ok(Some(frame)) if frame.len() <= REQUEST_MAX => frame,
                Ok(None) if frames.unfinished() <= REQUEST_MAX + READ_BYTES => break,
                Ok(_) => {
                    let why =
                        format!("a request is too long, expected at most {REQUEST_MAX} bytes");
                    return refuse(id, daemon, &why).await;
                }
                Err(error) => return refuse(id, daemon, &error.to_string()).await,
            };
            let request = match ipc::Request::decode(frame.as_slice()) {
                Ok(ipc::Request { body: Some(body) }) => body,
                Ok(ipc::Request { body: None }) => {
                    return refuse(id, daemon, "a request of no known kind").await;
                }
                Err(error) => {
                    let why = format!("not a Request in protobuf: {error}");
                    return refuse(id, daemon, &why).await;
                }
            };
            greeted = true;
            outbox.settled().await;
            // One at a time: the next must not overtake its answer.
            outbox.hold(true);
            if daemon.send(Input::Asked { id, request }).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// What was asked for is answered first, however long that takes to read, as
/// long as it is read: then the writer ends the connection.
async fn finish(id: ConnectionId, outbox: &Outbox, daemon: &mpsc::Sender<Input>) -> io::Result<()> {
    let finished = async {
        outbox.settled().await;
        match daemon.send(Input::Finished { id }).await {
            Ok(()) => std::future::pending().await,
            Err(_) => Ok(()),
        }
    };
    tokio::select! {
        ended = finished => ended,
        () = not_taken(outbox) => Err(io::Error::from(io::ErrorKind::TimedOut)),
    }
}

/// Waits until nothing was taken for too long.
async fn not_taken(outbox: &Outbox) {
    let mut before = outbox.taken();
    loop {
        sleep(TAKEN_WAIT).await;
        let now = outbox.taken();
        if now == before {
            return;
        }
        before = now;
    }
}

/// Has the daemon say why, and waits for the writer to end the connection.
async fn refuse(id: ConnectionId, daemon: &mpsc::Sender<Input>, why: &str) -> io::Result<()> {
    last(daemon, Input::Bad { id, why: why.to_owned() }).await
}

/// Nothing more is read: the writer ends the connection, in time.
async fn last(daemon: &mpsc::Sender<Input>, input: Input) -> io::Result<()> {
    if daemon.send(input).await.is_ok() {
        sleep(LAST_WAIT).await;
    }
    Err(io::Error::from(io::ErrorKind::TimedOut))
}

async fn write(
    id: ConnectionId,
    writer: &mut OwnedWriteHalf,
    outbox: &Outbox,
    daemon: &mpsc::Sender<Input>,
) -> io::Result<()> {
    loop {
        let told = match outbox.next().await {
            Next::Write(bytes) => {
                put(writer, outbox, &bytes).await?;
                continue;
            }
            Next::Replay(replay) => replay.run(id, writer, outbox).await?,
            Next::Tell => Input::Drained { id },
            Next::Close => return Ok(()),
        };
        if daemon.send(told).await.is_err() {
            return Ok(());
        }
    }
}

/// Writes all of it, as fast as the other end takes it.
pub(super) async fn put(
    writer: &mut OwnedWriteHalf,
    outbox: &Outbox,
    mut bytes: &[u8],
) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = writer.write(bytes).await?;
        if written == 0 {
            return Err(io::Error::from(io::ErrorKind::WriteZero));
        }
        outbox.note_taken(written);
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Reads until the other end has closed, too.
async fn discard(reader: &mut OwnedReadHalf) {
    let mut buffer = vec![0; READ_BYTES];
    while reader.read(&mut buffer).await.is_ok_and(|taken| taken > 0) {}
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_nothing_more_and_never_reads_does_not_keep_its_place() {
        let (server, mut client) = UnixStream::pair().unwrap();
        let outbox = Arc::new(Outbox::default());
        // More than sockets have room for.
        (0..1_000).for_each(|_| outbox.answer(vec![0; 1_000].into()));
        let (daemon, mut inputs) = mpsc::channel(8);
        let began = Instant::now();
        client.shutdown().await.unwrap();
        serve(ConnectionId(1), server, outbox, daemon).await;
        let elapsed = began.elapsed();
        assert!((TAKEN_WAIT..=TAKEN_WAIT * 3).contains(&elapsed), "{elapsed:?}");
        let mut last = None;
        while let Some(input) = inputs.recv().await {
            last = Some(input);
        }
        assert!(matches!(last, Some(Input::Closed { .. })), "{last:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_something_now_and_then_is_served_for_as_long_as_that() {
        let outbox = Outbox::default();
        let began = Instant::now();
        let taking = async {
            for _ in 0..10 {
                sleep(TAKEN_WAIT * 2 / 3).await;
                outbox.note_taken(1);
            }
            std::future::pending().await
        };
        tokio::select! {
            () = not_taken(&outbox) => {}
            () = taking => {}
        }
        let elapsed = began.elapsed();
        assert!((TAKEN_WAIT * 7..TAKEN_WAIT * 9).contains(&elapsed), "{elapsed:?}");
    }
}
