//! The cables: tap devices and the thread that moves frames between them.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::File,
    io::{Read, Write},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    sys::{
        epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags},
        time::TimeSpec,
        timer::{Expiration, TimerSetTimeFlags},
        timerfd::{ClockId, TimerFd, TimerFlags},
    },
};

use crate::{
    plan::Port,
    switch::{Delivery, Switch},
};

/// Longest frame read: jumbo frames and more.
const FRAME_MAX: usize = 65_536;
/// Frames read from one port before the others get their turn.
const BATCH_MAX: usize = 64;
/// Delayed frames held at once; beyond that new ones are dropped.
const HELD_MAX: usize = 100_000;
/// SCHED_FIFO priority of the switch.
const SWITCH_PRIORITY: u8 = 80;
/// What epoll reports for the timer instead of a port.
const TIMER: u64 = u64::MAX;

/// The switch, shared between its thread and whoever sets faults.
pub type SharedSwitch = Arc<Mutex<Switch>>;

/// Takes the switch. A panic elsewhere leaves it usable: each frame stands for itself.
pub fn lock(switch: &SharedSwitch) -> MutexGuard<'_, Switch> {
    switch.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Held {
    due: Instant,
    number: u64,
    tap: usize,
    frame: Vec<u8>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Held) -> bool {
        self.number == other.number
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Held) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Held {
    fn cmp(&self, other: &Held) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

struct Wiring {
    taps: Vec<File>,
    networks: usize,
    switch: SharedSwitch,
    epoll: Epoll,
    timer: TimerFd,
    held: BinaryHeap<Reverse<Held>>,
    number: u64,
}

/// Starts the thread that moves frames between the taps, which are in the order
/// of [`Port::index`]. It runs until the process ends.
///
/// # Errors
///
/// What the kernel said when the thread was set up.
pub fn start(taps: Vec<File>, networks: usize, switch: SharedSwitch) -> Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).context("create an epoll")?;
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK)
        .context("create a timer")?;
    for (index, tap) in taps.iter().enumerate() {
        epoll
            .add(tap, EpollEvent::new(EpollFlags::EPOLLIN, index as u64))
            .context("watch a tap device")?;
    }
    epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER)).context("watch a timer")?;
    let mut wiring =
        Wiring { taps, networks, switch, epoll, timer, held: BinaryHeap::new(), number: 0 };
    thread::Builder::new()
        .name("switch".into())
        .spawn(move || {
            // A cable needs no processor: under load the switch must not be
            // what delays frames. Without the privilege it is as others are.
            let _ = hats_sys::set_realtime(SWITCH_PRIORITY);
            wiring.run();
        })
        .context("start the switch")?;
    Ok(())
}

impl Wiring {
    fn run(&mut self) {
        let mut events = vec![EpollEvent::empty(); self.taps.len() + 1];
        let mut frame = vec![0; FRAME_MAX];
        let mut deliveries = Vec::new();
        loop {
            let ready = match self.epoll.wait(&mut events, None::<u8>) {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(error) => {
                    eprintln!("hats-lab: the switch stops: epoll: {error}");
                    return;
                }
            };
            for event in &events[..ready] {
                match event.data() {
                    TIMER => self.release(),
                    index => self.read(index as usize, &mut frame, &mut deliveries),
                }
            }
        }
    }

    fn read(&mut self, index: usize, buffer: &mut [u8], deliveries: &mut Vec<Delivery>) {
        for _ in 0..BATCH_MAX {
            // An error is EAGAIN, or the interface being down: nothing to forward.
            let Ok(length @ 1..) = (&self.taps[index]).read(buffer) else { return };
            let frame = &buffer[..length];
            deliveries.clear();
            let from = Port::at(index, self.networks);
            lock(&self.switch).forward(from, frame, deliveries);
            for delivery in deliveries.iter() {
                let tap = delivery.to.index(self.networks);
                if delivery.delay.is_zero() {
                    self.write(tap, frame);
                } else {
                    self.hold(tap, frame, delivery.delay);
                }
            }
        }
    }

    fn write(&self, tap: usize, frame: &[u8]) {
        // Refused while the interface is down: a frame lost on the cable.
        let _ = (&self.taps[tap]).write(frame);
    }

    fn hold(&mut self, tap: usize, frame: &[u8], delay: Duration) {
        if self.held.len() >= HELD_MAX {
            return;
        }
        self.number += 1;
        let due = Instant::now() + delay;
        let first = self.held.peek().is_none_or(|Reverse(held)| due < held.due);
        self.held.push(Reverse(Held { due, number: self.number, tap, frame: frame.to_vec() }));
        if first {
            self.wind(delay);
        }
    }

    fn release(&mut self) {
        let _ = self.timer.wait();
        let now = Instant::now();
        while let Some(Reverse(held)) = self.held.peek() {
            if held.due > now {
                let left = held.due - now;
                self.wind(left);
                return;
            }
            if let Some(Reverse(held)) = self.held.pop() {
                self.write(held.tap, &held.frame);
            }
        }
    }

    fn wind(&self, delay: Duration) {
        // Zero would disarm the timer.
        let delay = delay.max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(delay));
        if let Err(error) = self.timer.set(expiration, TimerSetTimeFlags::empty()) {
            eprintln!("hats-lab: delayed frames are stuck: {error}");
        }
    }
}
