//! Opening a port.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use serialport::{ClearBuffer, ErrorKind, SerialPort};

use super::DeviceError;

/// How long reading waits for the first byte.
const PATIENCE: Duration = Duration::from_millis(10);

/// An open port.
pub struct OpenPort {
    port: Box<dyn SerialPort>,
}

impl OpenPort {
    /// Opens a port for this program alone.
    pub fn open(path: &str, baud: u32) -> Result<Self, DeviceError> {
        let port = path.to_owned();
        if cfg!(unix) && !Path::new(path).exists() {
            return Err(DeviceError::Absent { port });
        }
        // macOS sets no rate on a pseudo-terminal; the library takes 0 for none.
        let opened = serialport::new(path, baud).timeout(PATIENCE).open().map_err(|error| match error.kind() {
            ErrorKind::NoDevice => DeviceError::Busy { port },
            ErrorKind::Io(io::ErrorKind::PermissionDenied) => DeviceError::Permission { port },
            ErrorKind::Io(io::ErrorKind::NotFound) => DeviceError::Absent { port },
            _ => DeviceError::Open { port, reason: error.description },
        })?;
        let port = Self { port: opened };
        port.discard();
        Ok(port)
    }

    /// Forgets what has arrived.
    pub fn discard(&self) {
        // Old bytes are no more than a damaged frame.
        let _ = self.port.clear(ClearBuffer::Input);
    }

    /// Another rate. Pseudo-terminals and native USB take any.
    pub fn set_baud(&mut self, baud: u32) {
        let _ = self.port.set_baud_rate(baud);
    }

    /// What has arrived; nothing after a short wait. An error is a cable that was pulled.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.port.read(buffer) {
            Ok(0) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(error) if has_waited(&error) => Ok(0),
            other => other,
        }
    }

    /// Sends bytes. A board that takes none for a second is gone.
    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        const TRIES: u32 = 100;
        let mut tries = 0;
        while !bytes.is_empty() {
            match self.port.write(bytes) {
                Ok(0) if tries >= TRIES => return Err(io::ErrorKind::WriteZero.into()),
                Ok(0) => tries += 1,
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if has_waited(&error) && tries < TRIES => tries += 1,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn has_waited(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}
