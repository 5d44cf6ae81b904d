//! What a recorder of the program's is told, on a stub. It is one test, since there is one recorder
//! in a process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
    set_global_recorder,
};
use rekindle::{DrainEnd, HammerCause, Service};
use tokio::net::TcpStream;

/// The counters, as numbers, and the gauges, as the bits of floats.
#[derive(Clone, Default)]
struct Numbers(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

impl Numbers {
    fn number(&self, name: &str) -> Arc<AtomicU64> {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(numbers.entry(name.to_owned()).or_default())
    }

    fn counter(&self, name: &str) -> u64 {
        self.number(name).load(Ordering::SeqCst)
    }

    /// Rounded: all of ours are counts.
    fn gauge(&self, name: &str) -> String {
        format!("{:.0}", f64::from_bits(self.counter(name)))
    }
}

impl Recorder for Numbers {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.number(key.name()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.number(key.name()))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test]
async fn what_serves_what_is_in_flight_and_what_was_cut_is_counted()
-> Result<(), Box<dyn std::error::Error>> {
    let numbers = Numbers::default();
    set_global_recorder(numbers.clone())?;
    let mut service = Service::builder().stub().drain_timeout(Duration::from_secs(30)).start()?;
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let running = service.ready().await?;
    let _client = TcpStream::connect(address).await?;
    let _connection = listener.accept().await.ok_or("one waits")?;
    assert_eq!(numbers.gauge("rekindle_generation"), "1");
    assert_eq!(numbers.counter("rekindle_cut_total"), 0);

    running.stop();
    running.hammer();
    let report = running.drained().await;
    assert_eq!(report.end, DrainEnd::Hammered(HammerCause::Operator));
    assert_eq!(numbers.gauge("rekindle_in_flight"), "1", "it was not let go of yet");
    assert_eq!(numbers.counter("rekindle_cut_total"), 1);
    Ok(())
}
