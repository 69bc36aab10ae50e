//! What the socket carries, printed. Not run with the tests:
//!
//! ```text
//! cargo test --release -p hatsd --bin hatsd ipc::bench -- --ignored --nocapture --test-threads 1
//! ```
//!
//! The hub and its socket are the daemon's; the events come from here, and the
//! subscribers are tasks on a thread of their own in this process, so that the
//! figures hold both ends' work.

#![allow(clippy::print_stdout, reason = "it prints figures")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
};

use hats_proto::ipc::{Event, Filter, Reply, Subscribe, reply, request};
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{
    tests::{Server, block_on_for, hello},
    *,
};

/// Subscribers that have read so far.
#[derive(Debug, Default)]
struct Tally {
    subscribed: AtomicU64,
    events: AtomicU64,
    lost: AtomicU64,
}

/// An event as the daemon publishes it, of one of so many nodes.
fn event(seq: u64, mono_ns: u64, nodes: u64) -> Event {
    Event {
        ts: "2026-11-22T12:04:07.331Z".to_owned(),
        mono_ns,
        level: "error".to_owned(),
        code: "HATS-2103".to_owned(),
        event: "adapter.down".to_owned(),
        cluster: "atc".to_owned(),
        node: Some(format!("n{}", seq % nodes)),
        network: Some("neta".to_owned()),
        adapter: Some("eth0".to_owned()),
        addr: Some("10.77.1.3".to_owned()),
        cause: Some("transmit".to_owned()),
        confidence: Some("high".to_owned()),
        verdict_id: Some("n3-41-7".to_owned()),
        reporter: Some("n2".to_owned()),
        arbiters: vec!["n1".to_owned()],
        observer: "n2".to_owned(),
        epoch: 7,
        seq,
        msg: "neta: eth0 of n3 (10.77.1.3) down: sends nothing that n1 or n2 hear, still \
              receives; carrier up"
            .to_owned(),
        ..Event::default()
    }
}

/// So many subscribers on a thread of their own; each delay from publication to
/// having been read is sent, in nanoseconds.
fn subscribers(path: PathBuf, count: usize, tally: &Arc<Tally>, timed: bool) -> Receiver<u64> {
    subscribers_of(path, (0..count).map(|_| Filter::default()).collect(), tally, timed)
}

/// One for each filter.
fn subscribers_of(
    path: PathBuf,
    filters: Vec<Filter>,
    tally: &Arc<Tally>,
    timed: bool,
) -> Receiver<u64> {
    let (delays, receiver) = channel();
    let tally = Arc::clone(tally);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut tasks = Vec::new();
            for filter in filters {
                let (path, tally, delays) = (path.clone(), Arc::clone(&tally), delays.clone());
                tasks.push(tokio::spawn(async move {
                    subscriber(&path, filter, &tally, timed.then_some(delays)).await;
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
        });
    });
    receiver
}

async fn subscriber(
    path: &Path,
    filter: Filter,
    tally: &Tally,
    delays: Option<std::sync::mpsc::Sender<u64>>,
) {
    let mut stream = loop {
        match UnixStream::connect(path).await {
            Ok(stream) => break stream,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    };
    let mut requests = Vec::new();
    let subscribe = Subscribe { filter: Some(filter), ..Subscribe::default() };
    for body in [hello(1, 1), request::Body::Subscribe(subscribe)] {
        let request = ipc::Request { body: Some(body) };
        request.encode_length_delimited(&mut requests).unwrap();
    }
    stream.write_all(&requests).await.unwrap();
    let mut bytes = Vec::with_capacity(1 << 17);
    while stream.read_buf(&mut bytes).await.is_ok_and(|taken| taken > 0) {
        let mut rest = bytes.as_slice();
        loop {
            let mut ahead = rest;
            let Ok(length) = prost::decode_length_delimiter(&mut ahead) else { break };
            let Some((frame, after)) = ahead.split_at_checked(length) else { break };
            rest = after;
            // The first byte tells the kind: only what is timed is decoded.
            match (frame.first(), &delays) {
                (Some(0x1a), None) => {
                    tally.events.fetch_add(1, Ordering::Relaxed);
                }
                _ => match Reply::decode(frame).unwrap().body {
                    Some(reply::Body::Event(event)) => {
                        tally.events.fetch_add(1, Ordering::Relaxed);
                        let now = crate::clock::now().0;
                        delays.iter().for_each(|it| it.send(now - event.mono_ns).unwrap());
                    }
                    Some(reply::Body::Snapshot(_)) => {
                        tally.subscribed.fetch_add(1, Ordering::Relaxed);
                    }
                    Some(reply::Body::Lost(lost)) => {
                        tally.lost.fetch_add(lost.count, Ordering::Relaxed);
                    }
                    Some(_) | None => {}
                },
            }
        }
        let left = rest.len();
        let begin = bytes.len() - left;
        bytes.drain(..begin);
    }
}

/// The processor's time of this thread: others may want the processor as well.
fn cpu() -> Duration {
    let clock = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID;
    nix::time::clock_gettime(clock).unwrap().into()
}

/// Publishes `count` events at a rate, 1 ms worth at a time, and waits until
/// all have been read or lost. Gives the seconds that took, and those of the
/// processor that the hub took.
async fn publish(
    server: &mut Server,
    tally: &Tally,
    (count, rate): (u64, u64),
    readers: u64,
) -> (f64, f64) {
    publish_of(server, tally, (count, rate), readers, 1).await
}

/// Events of so many nodes in turn, each wanted by so many readers.
async fn publish_of(
    server: &mut Server,
    tally: &Tally,
    (count, rate): (u64, u64),
    readers: u64,
    nodes: u64,
) -> (f64, f64) {
    let begin = crate::clock::now();
    let mut busy = Duration::ZERO;
    let before = tally.events.load(Ordering::Relaxed) + tally.lost.load(Ordering::Relaxed);
    let mut sent = 0;
    while sent < count {
        let due = crate::clock::now().since(begin).as_nanos() * u128::from(rate) / 1_000_000_000;
        // After a pause of this thread it catches up in slices, as a daemon
        // that has much to say lets others write in between.
        let slice = sent + 256;
        while u128::from(sent) < due && sent < count.min(slice) {
            let (now, spent) = (crate::clock::now(), cpu());
            let event = event(server.next_seq, now.0, nodes);
            server.next_seq += 1;
            server.hub.publish(&event, now);
            busy += cpu() - spent;
            sent += 1;
        }
        server.during(tokio::time::sleep(Duration::from_micros(200))).await;
    }
    loop {
        let done = tally.events.load(Ordering::Relaxed) + tally.lost.load(Ordering::Relaxed);
        if done - before >= count * readers {
            break;
        }
        server.during(tokio::time::sleep(Duration::from_micros(200))).await;
    }
    (crate::clock::now().since(begin).as_secs_f64(), busy.as_secs_f64())
}

async fn all_subscribed(server: &mut Server, tally: &Tally, count: u64) {
    while tally.subscribed.load(Ordering::Relaxed) < count {
        server.during(tokio::time::sleep(Duration::from_millis(1))).await;
    }
}

fn quantiles(delays: &Receiver<u64>) -> String {
    let mut delays: Vec<u64> = delays.try_iter().collect();
    delays.sort_unstable();
    let at = |part: usize| delays[(delays.len() - 1) * part / 1000] as f64 / 1e6;
    let (median, late, worst) = (at(500), at(990), at(1000));
    format!("median {median:.3} ms, 99% {late:.3} ms, worst {worst:.3} ms")
}

#[test]
#[ignore = "prints figures; run it in a release build"]
fn figures() {
    block_on_for(Duration::from_secs(300), async {
        println!("one event: {} bytes on the socket", event_bytes());
        delay(100, 20).await;
        throughput(1, 10_000).await;
        throughput(10, 10_000).await;
        throughput(100, 10_000).await;
        throughput(1_000, 10).await;
        throughput(1_000, 100).await;
        throughput(1_000, 1_000).await;
        stuck().await;
    });
}

fn event_bytes() -> usize {
    Reply { body: Some(reply::Body::Event(event(9, 1, 1))) }.encode_length_delimited_to_vec().len()
}

/// From the daemon's publication to the subscriber's having decoded it.
async fn delay(readers: usize, rate: u64) {
    let mut server = Server::start();
    let tally = Arc::new(Tally::default());
    let delays = subscribers(server.path(), readers, &tally, true);
    all_subscribed(&mut server, &tally, readers as u64).await;
    publish(&mut server, &tally, (rate * 3, rate), readers as u64).await;
    println!("{readers} subscribers, {rate} published/s: {}", quantiles(&delays));
}

async fn throughput(readers: usize, rate: u64) {
    let mut server = Server::start();
    let tally = Arc::new(Tally::default());
    let began = crate::clock::now();
    let _delays = subscribers(server.path(), readers, &tally, false);
    all_subscribed(&mut server, &tally, readers as u64).await;
    let connected = crate::clock::now().since(began).as_secs_f64() * 1e3;
    let count = rate * 2;
    let (took, busy) = publish(&mut server, &tally, (count, rate), readers as u64).await;
    let lost = tally.lost.load(Ordering::Relaxed);
    let read = tally.events.load(Ordering::Relaxed);
    println!(
        "{readers} subscribers, {rate} published/s: all subscribed in {connected:.0} ms; {read} \
         delivered in {took:.2} s ({:.0}/s), {lost} lost; the driver's part \
         {:.1} us of a processor an event",
        read as f64 / took,
        busy * 1e6 / count as f64,
    );
}

/// A thousand subscribers, ten thousand events a second, both at once: each
/// subscriber wants those of one of so many nodes.
async fn shared(nodes: u64) {
    let (readers, rate) = (1_000, 10_000);
    let mut server = Server::start();
    let tally = Arc::new(Tally::default());
    let of = |node: u64| match nodes {
        1 => Filter::default(),
        _ => Filter { nodes: vec![format!("n{node}")], ..Filter::default() },
    };
    let filters = (0..readers).map(|reader| of(reader % nodes)).collect();
    let delays = subscribers_of(server.path(), filters, &tally, nodes >= 100);
    all_subscribed(&mut server, &tally, readers).await;
    let (count, wanted) = (rate * 3, readers / nodes);
    let (took, busy) = publish_of(&mut server, &tally, (count, rate), wanted, nodes).await;
    let read = tally.events.load(Ordering::Relaxed);
    let lost = tally.lost.load(Ordering::Relaxed);
    println!(
        "{readers} subscribers, {rate} published/s for 3 s, each wanted by {wanted}: {read} \
         delivered of {} in {took:.2} s ({:.0}/s), {lost} told as lost; the driver's part \
         {:.1} us of a processor an event",
        count * wanted,
        read as f64 / took,
        busy * 1e6 / count as f64,
    );
    if nodes >= 100 {
        println!("  {}", quantiles(&delays));
    }
}

#[test]
#[ignore = "prints figures; run it in a release build"]
fn both_at_once() {
    block_on_for(Duration::from_secs(300), async {
        for nodes in [1_000, 100, 10, 1] {
            shared(nodes).await;
        }
    });
}

/// One subscriber that never reads, beside a hundred that do.
async fn stuck() {
    let mut server = Server::start();
    let tally = Arc::new(Tally::default());
    let delays = subscribers(server.path(), 100, &tally, true);
    all_subscribed(&mut server, &tally, 100).await;
    publish(&mut server, &tally, (2_000, 1_000), 100).await;
    println!("100 subscribers, 1000 published/s: {}", quantiles(&delays));
    let stuck = server.subscribed(Filter::default()).await;
    publish(&mut server, &tally, (10_000, 1_000), 100).await;
    println!("and one that never reads: {}", quantiles(&delays));
    let shown = server.hub.subscribers(server.now).iter().map(|it| it.queued).max();
    println!(
        "it has {} frames queued (at most {} and {} KiB)",
        shown.unwrap_or(0),
        outbox::FRAMES_MAX,
        outbox::BYTES_MAX >> 10,
    );
    drop(stuck);
    memory().await;
}

/// What twenty that never read cost, without the bench's own lists.
async fn memory() {
    let resident = || hats_sys::rss_bytes(std::process::id()).unwrap_or(0);
    let mut server = Server::start();
    let tally = Arc::new(Tally::default());
    let _delays = subscribers(server.path(), 1, &tally, false);
    all_subscribed(&mut server, &tally, 1).await;
    publish(&mut server, &tally, (10_000, 10_000), 1).await;
    let before = resident();
    let mut stuck = Vec::new();
    for _ in 0..20 {
        stuck.push(server.subscribed(Filter::default()).await);
    }
    publish(&mut server, &tally, (20_000, 10_000), 1).await;
    let grown = resident().saturating_sub(before) / 1024;
    println!("20 that never read, 20000 events later: the process has grown by {grown} KiB");
}

/// Ten thousand connections that are opened and left, both ends here.
#[test]
#[ignore = "prints figures; needs 13,000 descriptors"]
fn crowd() {
    block_on_for(Duration::from_secs(120), async {
        super::conformance::raise(13_000).unwrap();
        let mut server = Server::start();
        let mut first = server.subscribed(Filter::default()).await;
        let began = crate::clock::now();
        let mut left = Vec::new();
        while left.len() < 10_000 {
            left.push(server.connect().await);
            // As fast as the daemon accepts: its backlog is bounded.
            server.during(tokio::task::yield_now()).await;
            if left.len() % 64 == 0 {
                server.during(tokio::time::sleep(Duration::from_millis(1))).await;
            }
        }
        let mut refused = 0;
        for client in &mut left {
            let wait = Duration::from_millis(1);
            let answer = tokio::time::timeout(wait, server.during(client.next())).await;
            refused += usize::from(matches!(answer, Ok(Some(reply::Body::Error(_)))));
        }
        assert!(refused >= left.len() - CONNECTIONS_MAX, "{refused}");
        let took = crate::clock::now().since(began);
        let published = crate::clock::now();
        server.publish("neta", 0);
        let reply = server.during(first.next()).await;
        assert!(matches!(reply, Some(reply::Body::Event(_))), "{reply:?}");
        println!(
            "10,000 connections opened and left in {took:.1?}: {refused} refused, {} open; \
             the subscriber before them had its next event after {:.1?}",
            left.len() - refused,
            crate::clock::now().since(published)
        );
    });
}
