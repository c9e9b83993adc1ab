// Passkeys: the two calls that only a browser can make. The rest is plain forms.
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const WAYS = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];
const readable = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

/** Asks the server for a challenge. */
async function begin(path, body) {
  const answer = await fetch(path, { method: "POST", body, headers: { accept: "application/json" } });
  const json = await answer.json();
  if (json.error?.metadata?.error_type === "confirmation_required") {
    location.assign(`/confirm?next=${encodeURIComponent(location.pathname)}`);
  }
  if (!answer.ok) throw new Error(json.error?.message ?? "That did not work. Try again.");
  const options = json.data.options;
  options.challenge = bytes(options.challenge);
  return options;
}

/** What the server reads: binary parts in base64url. */
function written({ id, rawId, type, authenticatorAttachment, response, ...rest }, extensions) {
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = text(response[name]);
  }
  if (response.attestationObject) {
    delete parts.authenticatorData;
    parts.transports = (response.getTransports?.() ?? []).filter((way) => WAYS.includes(way));
  }
  const attachment = authenticatorAttachment ? { authenticatorAttachment } : {};
  return JSON.stringify({ id, rawId: text(rawId), type, response: parts, clientExtensionResults: extensions, ...attachment });
}

const known = (extensions) => (extensions.credProps ? { credProps: extensions.credProps } : {});

async function make() {
  const options = await begin("/api/v1/account/passkeys/begin", undefined);
  options.user.id = bytes(options.user.id);
  options.excludeCredentials = readable(options.excludeCredentials);
  return navigator.credentials.create({ publicKey: options });
}

async function prove(purpose, rest) {
  const options = await begin("/sign-in/passkey/begin", new URLSearchParams({ for: purpose }));
  options.allowCredentials = readable(options.allowCredentials);
  return navigator.credentials.get({ publicKey: options, ...rest });
}

function complaint(error, purpose) {
  if (error.name === "InvalidStateError") return "This device has a passkey for your account already.";
  if (error.name === "NotAllowedError" || error.name === "AbortError") {
    return purpose === "make" ? "No passkey was made. Try again when you are ready." : "No passkey was given. Try again, or go another way.";
  }
  return error.name === "SecurityError"
    ? "Passkeys are not valid at this address. Open this server at the address its operator chose."
    : error.message;
}

let waiting = new AbortController();

/** Offers passkeys among what the browser fills in, for as long as the page is open. */
async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  const { signal } = waiting;
  // Before the challenge is too old.
  const late = setTimeout(() => waiting.abort("late"), 240_000);
  try {
    send(form, await prove("", { mediation: "conditional", signal }));
  } catch {
    if (signal.reason === "late") offer(form);
  } finally {
    clearTimeout(late);
  }
}

function send(form, credential) {
  form.querySelector("[data-credential]").value = written(credential, known(credential.getClientExtensionResults()));
  form.submit();
}

for (const place of window.PublicKeyCredential ? document.querySelectorAll("[data-passkey]") : []) {
  const purpose = place.dataset.passkey;
  const form = place.querySelector("form");
  const problem = place.querySelector("[role=alert]");
  place.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    problem.hidden = true;
    const button = form.querySelector("button");
    button.disabled = true;
    waiting.abort("clicked");
    try {
      send(form, await (purpose === "make" ? make() : prove(purpose)));
    } catch (error) {
      problem.textContent = complaint(error, purpose);
      problem.hidden = false;
      button.disabled = false;
    }
  });
  if (purpose === "") offer(form);
}
if (!window.PublicKeyCredential) {
  for (const note of document.querySelectorAll("[data-no-passkey]")) note.hidden = false;
}
