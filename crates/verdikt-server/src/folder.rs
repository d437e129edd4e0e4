//! Folders that several servers may write to: one at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// Keeps others who ask for it out of a folder until it is dropped. Nothing is left there.
///
/// # Errors
/// If the folder cannot be opened, or another process holds it for long.
pub(crate) async fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    for _ in 0..TRIES {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(INTERVAL).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps the folder locked"))
}

const TRIES: usize = 100;
const INTERVAL: Duration = Duration::from_millis(50);
