//! Log lines on their way to standard error: collected for a moment, since writing each costs as much as a small
//! request. Warnings and errors are written at once, with all before them.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

const COLLECTED_BYTES_MAX: usize = 256 * 1024;
const COLLECTED_FOR: Duration = Duration::from_millis(50);

/// Lines that are not written yet. Who ends the program by force loses those of the last moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines {
    collected: Arc<Mutex<Vec<u8>>>,
}

/// For one line.
#[derive(Debug)]
pub(super) struct Line<'lines> {
    lines: &'lines Lines,
    urgency: Urgency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    AtOnce,
    Soon,
}

impl Lines {
    /// Writes what is collected, again and again, until nobody logs any more.
    pub(super) fn write_from_time_to_time(&self) -> io::Result<()> {
        let collected: Weak<_> = Arc::downgrade(&self.collected);
        let write = move || {
            while let Some(collected) = collected.upgrade() {
                Self { collected }.write_out();
                std::thread::sleep(COLLECTED_FOR);
            }
        };
        std::thread::Builder::new().name("clef-log".to_owned()).spawn(write).map(drop)
    }

    /// Writes what is collected. What cannot be written is lost: there is nobody to tell.
    pub(super) fn write_out(&self) {
        // In this order, lines stay in theirs, and new ones can be collected while these are written.
        let mut stderr = io::stderr().lock();
        let collected = std::mem::take(&mut *self.collected.lock().unwrap_or_else(PoisonError::into_inner));
        stderr.write_all(&collected).ok();
    }
}

impl<'lines> MakeWriter<'lines> for Lines {
    type Writer = Line<'lines>;

    fn make_writer(&'lines self) -> Self::Writer {
        Line { lines: self, urgency: Urgency::AtOnce }
    }

    fn make_writer_for(&'lines self, metadata: &Metadata<'_>) -> Self::Writer {
        let urgency = if *metadata.level() <= Level::WARN { Urgency::AtOnce } else { Urgency::Soon };
        Line { lines: self, urgency }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = {
            let mut collected = self.lines.collected.lock().unwrap_or_else(PoisonError::into_inner);
            collected.extend_from_slice(bytes);
            collected.len()
        };
        if self.urgency == Urgency::AtOnce || length > COLLECTED_BYTES_MAX {
            self.lines.write_out();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.write_out();
        Ok(())
    }
}
