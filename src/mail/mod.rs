//! E-mail: letters are queued in the store, so that none is lost, and sent by a
//! job over SMTP, or written to a folder where no mail server is configured.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::header::ContentTransferEncoding;
use lettre::message::{Body, Mailbox};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::accounts::new_id;
use crate::clock::Clock;
use crate::config::MailSettings;
use crate::store::Store;
use crate::store::letters::{Letter, WaitingLetter};

/// Letters sent in one go.
const AT_ONCE: i64 = 20;
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Until a node that took a letter and died is thought of as dead, ms.
const TAKEN_MS: i64 = 120_000;
/// Until the next try, ms: after the first, the second … The last repeats.
const AGAIN_MS: [i64; 6] = [60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000];
/// Tries until a letter is given up: more than two days.
const TRIES: i64 = 14;
/// What stands for never, ms.
const NEVER_MS: i64 = i64::MAX;
/// Letters are remembered for 30 days.
const KEPT_MS: i64 = 30 * 86_400_000;

/// Where letters leave.
pub struct Mail {
    store: Store,
    clock: Clock,
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

/// Why a letter was not sent.
#[derive(Debug, thiserror::Error)]
enum Unsent {
    #[error("`{0}` is no address")]
    Address(String),
    #[error("the letter cannot be written: {0}")]
    Message(#[from] lettre::error::Error),
    #[error("the mail server did not take it: {0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
    #[error("the mail server did not answer in time")]
    Slow,
    #[error("the folder cannot be written: {0}")]
    Folder(#[from] std::io::Error),
}

impl Mail {
    /// # Errors
    /// A sentence naming the setting that is wrong.
    pub fn new(settings: &MailSettings, store: Store, clock: Clock) -> Result<Self, String> {
        let from = settings.from.parse().map_err(|_| {
            format!("mail.from: `{}` is no address; write \"Patchbay <mail@example.org>\"", settings.from)
        })?;
        let way = if settings.smtp_url.is_empty() {
            Way::Folder(PathBuf::from(&settings.folder))
        } else {
            // The cause may repeat the URL, and the URL holds a password.
            let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp_url)
                .map_err(|_| "mail.smtp_url: write smtps://user:password@host:465".to_owned())?;
            Way::Smtp(Box::new(builder.timeout(Some(PATIENCE)).build()))
        };
        Ok(Self { store, clock, from, way })
    }

    /// Whether letters reach a mail server.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        matches!(self.way, Way::Smtp(_))
    }

    /// Queues a letter.
    ///
    /// # Errors
    /// Any database error.
    pub async fn post(&self, letter: &Letter) -> sqlx::Result<()> {
        let now = self.clock.now_ms();
        let id = new_id(now);
        self.store.post_letter(&id, letter, now).await.map(|_| ())
    }

    /// Queues a letter unless one was queued for the same occasion, such as
    /// `low-balance/<organization>/<day>`.
    ///
    /// # Errors
    /// Any database error.
    pub async fn post_once(&self, occasion: &str, letter: &Letter) -> sqlx::Result<()> {
        self.store.post_letter(occasion, letter, self.clock.now_ms()).await.map(|_| ())
    }

    /// Sends what waits. A letter that cannot be sent is tried again later.
    ///
    /// # Errors
    /// Any database error.
    pub async fn send_waiting(&self) -> sqlx::Result<()> {
        for letter in self.store.waiting_letters(self.clock.now_ms(), AT_ONCE).await? {
            if !self.store.take_letter(&letter, self.clock.now_ms() + TAKEN_MS).await? {
                continue;
            }
            let sent = self.send(&letter).await;
            let now = self.clock.now_ms();
            match sent {
                Ok(()) => self.store.letter_was_sent(&letter.id, now).await?,
                Err(unsent) => {
                    let again = again_ms(&unsent, letter.attempts + 1, now);
                    tracing::warn!(letter.id, error = %unsent, is_given_up = again == NEVER_MS, "A letter was not sent");
                    self.store.letter_failed(&letter.id, &unsent.to_string(), again).await?;
                }
            }
        }
        Ok(())
    }

    /// Forgets letters of long ago.
    ///
    /// # Errors
    /// Any database error.
    pub async fn forget_old(&self) -> sqlx::Result<()> {
        self.store.forget_letters(self.clock.now_ms() - KEPT_MS).await.map(|_| ())
    }

    async fn send(&self, letter: &WaitingLetter) -> Result<(), Unsent> {
        let to: Address = letter.recipient.parse().map_err(|_| Unsent::Address(letter.recipient.clone()))?;
        let message = Message::builder().from(self.from.clone()).to(to.into()).subject(letter.subject.clone());
        match &self.way {
            Way::Smtp(smtp) => {
                let message = message.body(letter.text.clone())?;
                tokio::time::timeout(PATIENCE, smtp.send(message)).await.map_err(|_| Unsent::Slow)??;
            }
            Way::Folder(folder) => {
                // Readable as it is, since a person will open it.
                let body =
                    Body::dangerous_pre_encoded(letter.text.clone().into_bytes(), ContentTransferEncoding::EightBit);
                let message = message.body(body)?;
                tokio::fs::create_dir_all(folder).await?;
                let name: String =
                    letter.id.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
                let path = folder.join(format!("{name}.eml"));
                tokio::fs::write(&path, message.formatted()).await?;
                tracing::info!(path = %path.display(), "Wrote a letter to a file: no mail server is configured");
            }
        }
        Ok(())
    }
}

/// When to try again: a wrong address never gets right.
fn again_ms(unsent: &Unsent, attempts: i64, now_ms: i64) -> i64 {
    let is_final = match unsent {
        Unsent::Address(_) | Unsent::Message(_) => true,
        Unsent::Smtp(error) => error.is_permanent(),
        Unsent::Slow | Unsent::Folder(_) => false,
    };
    if is_final || attempts >= TRIES {
        return NEVER_MS;
    }
    let step = usize::try_from(attempts - 1).unwrap_or(0).min(AGAIN_MS.len() - 1);
    now_ms + AGAIN_MS.get(step).copied().unwrap_or(60_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::net::TcpListener;

    fn letter(to: &str) -> Letter {
        Letter {
            to: to.to_owned(),
            subject: "Grüße".to_owned(),
            text: "Open http://127.0.0.1/x?token=abc\n".to_owned(),
        }
    }

    /// A mail server that speaks to one client: the answer to the recipient, then what it was sent.
    async fn mail_server(to_recipient: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let heard = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.unwrap();
            let (reading, mut writing) = socket.into_split();
            let mut lines = BufReader::new(reading).lines();
            writing.write_all(b"220 here\r\n").await.unwrap();
            let (mut heard, mut is_text) = (String::new(), false);
            while let Ok(Some(line)) = lines.next_line().await {
                heard.push_str(&line);
                heard.push('\n');
                let answer = match line.split(' ').next().unwrap_or_default() {
                    "." => {
                        is_text = false;
                        "250 taken"
                    }
                    _ if is_text => continue,
                    "RCPT" => to_recipient,
                    "DATA" => {
                        is_text = true;
                        "354 go on"
                    }
                    "QUIT" => break,
                    _ => "250 fine",
                };
                writing.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
            }
            heard
        });
        (url, heard)
    }

    #[tokio::test]
    async fn a_letter_reaches_the_mail_server_and_is_then_forgotten() {
        let (store, _folder) = Store::for_test().await;
        let (url, heard) = mail_server("250 fine").await;
        let settings = MailSettings { smtp_url: url, ..MailSettings::default() };
        let mail = Mail::new(&settings, store.clone(), Clock::system()).unwrap();
        mail.post_once("greeting/ann", &letter("ann@example.org")).await.unwrap();
        mail.post_once("greeting/ann", &letter("ann@example.org")).await.unwrap();

        mail.send_waiting().await.unwrap();
        mail.send_waiting().await.unwrap();

        assert!(store.waiting_letters(i64::MAX, 10).await.unwrap().is_empty(), "sent");
        drop(mail);
        let heard = heard.await.unwrap();
        assert!(heard.contains("RCPT TO:<ann@example.org>"), "{heard}");
        assert!(heard.contains("token=abc"), "{heard}");
        assert_eq!(heard.matches("\nDATA").count(), 1, "once: {heard}");
    }

    #[tokio::test]
    async fn a_letter_that_is_refused_for_good_is_given_up() {
        let (store, _folder) = Store::for_test().await;
        let (url, _heard) = mail_server("550 nobody of this name").await;
        let settings = MailSettings { smtp_url: url, ..MailSettings::default() };
        let mail = Mail::new(&settings, store.clone(), Clock::system()).unwrap();
        mail.post(&letter("nobody@example.org")).await.unwrap();

        mail.send_waiting().await.unwrap();

        let now = Clock::system().now_ms();
        assert!(store.waiting_letters(now + 365 * 86_400_000, 10).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_letter_waits_for_a_mail_server_that_is_down() {
        let (store, _folder) = Store::for_test().await;
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", closed.local_addr().unwrap());
        drop(closed);
        let settings = MailSettings { smtp_url: url, ..MailSettings::default() };
        let mail = Mail::new(&settings, store.clone(), Clock::system()).unwrap();
        mail.post(&letter("ann@example.org")).await.unwrap();

        mail.send_waiting().await.unwrap();

        let now = Clock::system().now_ms();
        assert!(store.waiting_letters(now, 10).await.unwrap().is_empty(), "not at once");
        let waiting = store.waiting_letters(now + 61_000, 10).await.unwrap();
        assert_eq!(waiting.len(), 1, "in a minute");
        assert_eq!(waiting[0].attempts, 1);
    }

    #[tokio::test]
    async fn without_a_mail_server_a_letter_is_a_readable_file() {
        let (store, folder) = Store::for_test().await;
        let place = folder.path().join("mail");
        let settings = MailSettings { folder: place.display().to_string(), ..MailSettings::default() };
        let mail = Mail::new(&settings, store, Clock::system()).unwrap();
        mail.post(&letter("ann@example.org")).await.unwrap();

        mail.send_waiting().await.unwrap();

        let file = std::fs::read_dir(place).unwrap().next().unwrap().unwrap().path();
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("To: ann@example.org") && text.contains("http://127.0.0.1/x?token=abc"), "{text}");
    }

    #[tokio::test]
    async fn a_wrong_setting_is_named_and_a_password_is_not_shown() {
        let (store, _folder) = Store::for_test().await;
        let wrong = |settings: &MailSettings| Mail::new(settings, store.clone(), Clock::system()).err().unwrap();
        let settings = MailSettings { smtp_url: "smtps//ann:hunter2@x".to_owned(), ..MailSettings::default() };
        let said = wrong(&settings);
        assert!(said.contains("mail.smtp_url") && !said.contains("hunter2"), "{said}");
        assert!(!format!("{settings:?}").contains("hunter2"));
        let said = wrong(&MailSettings { from: "nobody".to_owned(), ..MailSettings::default() });
        assert!(said.contains("mail.from") && said.contains("nobody"), "{said}");
    }
}
