//! Metrics for Prometheus: `GET /metrics` on a Unix socket beside the
//! subscribers' one, and on a loopback port if the configuration names one.
//!
//! Connections are tasks that ask the driver for a snapshot, as subscribers
//! do. The text is made on another thread: a large cluster's must not keep a
//! deadline waiting. Nothing here can stop the daemon.

mod http;

#[cfg(test)]
mod tests;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hats_metrics::Part;
use hats_proto::ipc::Snapshot;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{Semaphore, mpsc, oneshot},
    time,
};

use crate::ipc::Endpoint;

/// Scrapes at once; others wait to be accepted.
const CONNECTIONS_MAX: usize = 8;

/// How long a scrape may take, from when it is accepted to its last byte.
const SCRAPE_MAX: Duration = Duration::from_secs(5);

/// The socket's name, beside the subscribers' socket.
const SOCKET: &str = "metrics.sock";

/// Somebody waits for a snapshot.
pub(crate) type Ask = oneshot::Sender<Arc<Snapshot>>;

/// The listeners, as long as the daemon has them.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) asks: mpsc::Receiver<Ask>,
    _endpoint: Option<Endpoint>,
    /// What could not be opened, for the log.
    pub(crate) warnings: Vec<String>,
}

/// Serves metrics beside `socket`, and on `listen`.
pub(crate) async fn start(socket: &Path, listen: Option<SocketAddr>) -> Metrics {
    let (daemon, asks) = mpsc::channel(CONNECTIONS_MAX);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut warnings = Vec::new();
    let opened = Endpoint::open(&beside(socket)).map_err(|error| error.to_string());
    let opened = opened.and_then(|(endpoint, listener)| {
        let listener = UnixListener::from_std(listener).map_err(|error| error.to_string())?;
        Ok((endpoint, listener))
    });
    let endpoint = match opened {
        Ok((endpoint, listener)) => {
            tokio::spawn(accept(Listener::Unix(listener), Arc::clone(&places), daemon.clone()));
            Some(endpoint)
        }
        Err(error) => {
            warnings.push(format!("no metrics on a socket: {error}"));
            None
        }
    };
    if let Some(address) = listen {
        match TcpListener::bind(address).await {
            Ok(listener) => {
                tokio::spawn(accept(Listener::Tcp(listener), places, daemon));
            }
            Err(error) => warnings.push(format!("no metrics on {address}: {error}")),
        }
    }
    Metrics { asks, _endpoint: endpoint, warnings }
}

fn beside(socket: &Path) -> PathBuf {
    socket.with_file_name(SOCKET)
}

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

async fn accept(listener: Listener, places: Arc<Semaphore>, daemon: mpsc::Sender<Ask>) {
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let daemon = daemon.clone();
        let accepted = match &listener {
            Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    scrape(stream, daemon).await;
                    drop(place);
                });
            }),
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, _)| {
                tokio::spawn(async move {
                    scrape(stream, daemon).await;
                    drop(place);
                });
            }),
        };
        if accepted.is_err() {
            // Out of descriptors, most likely: later there may be some.
            time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// One request, one answer.
async fn scrape(mut stream: impl AsyncRead + AsyncWrite + Unpin, daemon: mpsc::Sender<Ask>) {
    let answered = time::timeout(SCRAPE_MAX, async {
        match http::request(&mut stream).await? {
            Ok(()) => match text(daemon).await {
                Some(text) => http::answer(&mut stream, &text).await,
                None => http::refuse(&mut stream, "503 Service Unavailable").await,
            },
            Err(status) => http::refuse(&mut stream, status).await,
        }
    });
    // Whoever asks badly, slowly, or goes away has no answer.
    let _: Result<io::Result<()>, _> = answered.await;
}

async fn text(daemon: mpsc::Sender<Ask>) -> Option<String> {
    let (ask, answer) = oneshot::channel();
    daemon.send(ask).await.ok()?;
    let snapshot = answer.await.ok()?;
    let render = move || hats_metrics::render(&snapshot, Part::Everything);
    tokio::task::spawn_blocking(render).await.ok()
}
