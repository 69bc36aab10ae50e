//! The interface: whether it is there, up, plugged in and has its address; and
//! the sockets on it.
//!
//! In a thread of its own, because asking for the carrier and joining a group
//! wait for the kernel's lock on network configuration, which others may hold
//! for a long time. Heartbeats must not wait for that.

mod watch;

use std::{
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::mpsc::{self, Receiver, Sender},
};

use anyhow::Context;
use hats_sys::{AdapterSocket, Arp, Echo, set_realtime};
use hats_wire::link::{Configure, Link};

use self::watch::Watch;

/// The thread formats a few errors and calls the kernel.
const STACK: usize = 256 * 1024;

/// What the thread has found out.
pub(crate) enum News {
    /// The sockets are open on an interface in this state.
    Opened(Link, Box<Sockets>),
    /// The sockets are to be closed; the state that made it so.
    Closed(Link),
    /// The state changed, the sockets stay as they are.
    Changed(Link),
    /// The kernel cannot be asked any more.
    Failed(hats_sys::Error),
}

/// One adapter's sockets.
pub(crate) struct Sockets {
    pub(crate) adapter: AdapterSocket,
    pub(crate) echo: Option<Echo>,
    pub(crate) arp: Option<Arp>,
}

/// The thread, as seen from the loop.
pub(crate) struct Adapter {
    news: Receiver<News>,
    wakes: UnixStream,
    orders: Sender<Configure>,
    nudge: UnixStream,
}

impl Adapter {
    /// Starts the thread; with a priority, in SCHED_FIFO just below the loop.
    pub(crate) fn start(config: Configure, realtime_priority: u8) -> anyhow::Result<Self> {
        let pair = || -> std::io::Result<(UnixStream, UnixStream)> {
            let (a, b) = UnixStream::pair()?;
            a.set_nonblocking(true)?;
            b.set_nonblocking(true)?;
            Ok((a, b))
        };
        let (wakes, waker) = pair().context("cannot make a socket pair")?;
        let (nudge, nudged) = pair().context("cannot make a socket pair")?;
        let (news_in, news) = mpsc::channel();
        let (orders, orders_out) = mpsc::channel();
        let teller = Teller { news: news_in, waker };
        std::thread::Builder::new()
            .name("adapter".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                if realtime_priority > 0 {
                    // The loop has said whether this is permitted.
                    let _ = set_realtime((realtime_priority - 1).max(1));
                }
                if let Err(error) = Watch::run(config, &teller, &orders_out, &nudged) {
                    teller.tell(News::Failed(error));
                }
            })
            .context("cannot start the adapter's thread")?;
        Ok(Adapter { news, wakes, orders, nudge })
    }

    /// Readable when there is news.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.wakes.as_fd()
    }

    /// To be called before [`news`](Self::news) is emptied.
    pub(crate) fn drain_wakes(&self) {
        drain(&self.wakes);
    }

    pub(crate) fn news(&self) -> &Receiver<News> {
        &self.news
    }

    /// Serve another adapter, or the same one with other parameters.
    pub(crate) fn configure(&self, config: Configure) {
        // A thread that has ended is noticed by its silence in `news`.
        let _ = self.orders.send(config);
        wake(&self.nudge);
    }
}

/// The way back to the loop.
struct Teller {
    news: Sender<News>,
    waker: UnixStream,
}

impl Teller {
    fn tell(&self, news: News) {
        // A loop that has ended ends the process.
        let _ = self.news.send(news);
        wake(&self.waker);
    }
}

/// A full socket has woken the other side already.
fn wake(mut socket: &UnixStream) {
    let _ = socket.write(&[1]);
}

fn drain(mut socket: &UnixStream) {
    let mut bytes = [0; 64];
    loop {
        match socket.read(&mut bytes) {
            Ok(len) if len == bytes.len() => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return,
        }
    }
}
