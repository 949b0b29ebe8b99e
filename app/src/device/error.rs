//! What can be wrong with a port, and what to do about it.

use thiserror::Error;
use tinsmith_core::data::recording::RecordingError;

use crate::microphone::MicrophoneError;

/// A board that cannot be reached or does not do what it should. Each is one line that names the remedy.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// No such port.
    #[error("{port}: there is no such port; plug the board in with a cable that carries data, or see tinsmith device ports")]
    Absent {
        /// The port.
        port: String,
    },
    /// Another program has it.
    #[error("{port}: port is busy: another program has it open (a serial monitor, another Tinsmith?); close it there")]
    Busy {
        /// The port.
        port: String,
    },
    /// The user may not open it.
    #[error(
        "{port}: permission denied; join the group that owns serial ports (sudo usermod -aG dialout $USER; uucp on some \
         systems), then log in again"
    )]
    Permission {
        /// The port.
        port: String,
    },
    /// It does not open for another reason.
    #[error("{port}: it does not open: {reason}; unplug the board and plug it in again")]
    Open {
        /// The port.
        port: String,
        /// What the system says.
        reason: String,
    },
    /// Nothing comes.
    #[error(
        "{port}: the board is silent at {baud} baud; press its reset button, check that it runs a sketch that prints numbers or \
         speaks the device link, and that the baud rate is the sketch's"
    )]
    Silent {
        /// The port.
        port: String,
        /// Bits a second.
        baud: u32,
    },
    /// Bytes come that look like those of another rate.
    #[error(
        "{port}: what comes is no text and no frames: wrong baud rate? {baud} was tried; choose the one that the sketch sets"
    )]
    WrongBaud {
        /// The port.
        port: String,
        /// Bits a second.
        baud: u32,
    },
    /// Bytes come, some of them frames with damage.
    #[error("{port}: garbage: {bad} damaged frames and no sound one; try a shorter cable or a lower baud rate than {baud}")]
    Garbage {
        /// The port.
        port: String,
        /// Bits a second.
        baud: u32,
        /// Damaged frames.
        bad: u32,
    },
    /// Frames beyond what a frame may have.
    #[error("{port}: frames of more than 4096 bytes; the firmware must send shorter ones")]
    LongFrames {
        /// The port.
        port: String,
    },
    /// Text comes, but no numbers.
    #[error("{port}: text, but no lines of numbers; print one reading a line, its values separated by commas, tabs or spaces")]
    Text {
        /// The port.
        port: String,
    },
    /// Firmware of another version.
    #[error("{port}: the board speaks version {version} of the device link, this program version {ours}; update the older one")]
    Protocol {
        /// The port.
        port: String,
        /// The board's.
        version: u8,
        /// This program's.
        ours: u8,
    },
    /// It went while something was waited for.
    #[error("{port}: the board went away; check the cable and the power supply")]
    Gone {
        /// The port.
        port: String,
    },
    /// Another board came back than the one that went.
    #[error("{port}: another board was plugged in, {now} instead of {before}; open the port again")]
    Other {
        /// The port.
        port: String,
        /// The board that went.
        before: String,
        /// The board that came.
        now: String,
    },
    /// The board came back with other sensors.
    #[error("{port}: {board} came back with other sensors: it was flashed anew, or does not find one; open the port again")]
    OtherSensors {
        /// The port.
        port: String,
        /// The board.
        board: String,
    },
    /// A recording failed.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// A microphone.
    #[error(transparent)]
    Microphone(#[from] MicrophoneError),
    /// A simulated board that cannot be.
    #[error("{0}")]
    Simulate(String),
}
