const CAMERA = { width: { ideal: 960 }, height: { ideal: 720 }, frameRate: { ideal: 20 } }; // a photo is kept with 480 pixels a side
const PHOTO_SIDE = 1280;
const MAX_PHOTO = 2_600_000; // characters; Python accepts a few more
const COUNT_S = 3;
const PATIENCE_MS = 10_000; // after an answer that never came, for example because the page was run again meanwhile
const RATE_OVER_MS = 3000;
const START_HINT = 'Press “Start camera”, then hold one item of clothing in front of it, or lay it down.';
// What outlives the component, which is created again whenever its page is shown.
const remembered = { wasOn: false, isLive: true, facing: 'environment', number: Math.floor(Math.random() * 1e9) + 1 };

const explain = (error) => {
  if (!window.isSecureContext || error === 'none') {
    return 'This browser opens the camera only on pages whose address begins with https:// or localhost. Choose “Upload” above: on a '
      + 'phone its button offers the camera. Or ask for an https:// address of this page.';
  }
  return {
    NotAllowedError: 'The browser may not use the camera. Allow it beside the page’s address, or in the settings of the device, and press '
      + '“Start camera” again; or choose “Upload” above.',
    NotFoundError: 'No camera was found. Connect one and press “Start camera” again, or choose “Upload” above.',
    NotReadableError: 'The camera cannot be read: perhaps another program is using it. Close that and press “Start camera” again.',
  }[error] ?? `The camera did not start (${error}). Press “Start camera” again, or choose “Upload” above.`;
};

const describeRate = (answers, pause) => {
  const perSecond = answers.length < 2 ? 0 : 1000 * (answers.length - 1) / Math.max(1, answers.at(-1) - answers[0]);
  if (!perSecond) return 'Camera on';
  const why = pause > 600 ? ', because the server has much to do' : '';
  if (perSecond >= 1.5) return `Camera on: ${Math.round(perSecond)} answers a second${why}`;
  const every = Math.round(1 / perSecond);
  return every <= 1 ? `Camera on: 1 answer a second${why}` : `Camera on: an answer every ${every} seconds${why}`;
};

const traceOutlines = (pen, outlines, width, height) => {
  for (const outline of outlines) {
    outline.forEach(([x, y], i) => (i ? pen.lineTo(x * width, y * height) : pen.moveTo(x * width, y * height)));
    pen.closePath();
  }
};

function makeCamera(root) {
  const find = (selector) => root.querySelector(selector);
  const screen = find('.screen'), video = find('video'), overlay = find('canvas');
  const sheet = document.createElement('canvas');
  let page = null; // the latest data and the functions that send
  let stream = null, starts = 0, isWaiting = false, isBusy = false;
  let nextFrame = 0, countdown = 0, ticking = 0;
  let answers = []; // when the latest arrived

  const say = (text) => { find('.status').textContent = text; };
  const tell = (text) => { find('.message').textContent = text; };
  const isOn = () => stream !== null;

  const grab = (side, quality) => {
    const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight));
    sheet.width = Math.max(1, Math.round(video.videoWidth * scale));
    sheet.height = Math.max(1, Math.round(video.videoHeight * scale));
    sheet.getContext('2d').drawImage(video, 0, 0, sheet.width, sheet.height);
    return sheet.toDataURL('image/jpeg', quality).split(',')[1];
  };
  const clearOverlay = () => { overlay.getContext('2d').clearRect(0, 0, overlay.width, overlay.height); };
  const drawOverlay = (outlines) => {
    overlay.width = 640;
    overlay.height = Math.max(1, Math.round(640 * video.videoHeight / video.videoWidth));
    if (!outlines.length) return;
    const pen = overlay.getContext('2d');
    pen.beginPath();
    pen.rect(0, 0, overlay.width, overlay.height);
    traceOutlines(pen, outlines, overlay.width, overlay.height);
    pen.fillStyle = 'rgb(0 0 0 / 55%)';
    pen.fill('evenodd'); // what is cut away
    pen.beginPath();
    traceOutlines(pen, outlines, overlay.width, overlay.height);
    pen.lineJoin = 'round';
    for (const [colour, width] of [['#fff', 7], ['#0072b2', 4]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.stroke();
    }
  };

  const show = () => {
    screen.classList.toggle('on', isOn());
    find('.power').textContent = isOn() ? 'Stop camera' : 'Start camera';
    for (const name of ['.shoot', '.timer']) find(name).disabled = !isOn() || isBusy;
    find('.timer').textContent = countdown ? 'Cancel' : `In ${COUNT_S} s`;
    find('.live').ariaPressed = String(remembered.isLive);
    const now = performance.now();
    answers = answers.filter((at) => now - at < Math.max(RATE_OVER_MS, 3 * (page?.data.pause_ms ?? 0)));
    find('.state').textContent = !isOn() ? 'Camera off' : remembered.isLive ? describeRate(answers, page.data.pause_ms) : 'Camera on: live answers are off';
  };

  const sendLater = (ms) => {
    clearTimeout(nextFrame);
    nextFrame = setTimeout(send, ms);
  };
  const send = () => {
    if (!isOn() || !remembered.isLive || isBusy || document.hidden) return;
    if (video.readyState < 2 || !video.videoWidth) {
      sendLater(50);
      return;
    }
    remembered.number += 1;
    isWaiting = true;
    page.setStateValue('frame', [remembered.number, grab(page.data.frame_side, 0.8)]);
    sendLater(PATIENCE_MS);
  };
  const receive = () => {
    if (!isWaiting || page.data.answered !== remembered.number) return;
    isWaiting = false;
    if (!isOn() || !remembered.isLive) return;
    answers.push(performance.now());
    drawOverlay(page.data.outline);
    sendLater(page.data.pause_ms);
  };

  const stop = () => {
    starts += 1; // a start that is still under way ends at once
    clearTimeout(nextFrame);
    clearInterval(ticking);
    stopCountdown();
    document.removeEventListener('visibilitychange', comeBack);
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
    isWaiting = isBusy = false;
    answers = [];
    clearOverlay();
    show();
  };
  const comeBack = () => {
    if (document.hidden || !isOn()) return;
    video.play().catch(() => {});
    if (!isWaiting) sendLater(0);
  };
  const fail = (name) => {
    stop();
    remembered.wasOn = false;
    tell(explain(name));
  };
  const start = async (wanted = { facingMode: { ideal: remembered.facing } }) => {
    stop();
    const mine = starts;
    if (!navigator.mediaDevices?.getUserMedia) {
      fail('none');
      return;
    }
    tell('Waiting for the camera. If the browser asks, allow it.');
    try {
      const opened = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...CAMERA, ...wanted } });
      if (mine !== starts || !root.isConnected) {
        for (const track of opened.getTracks()) track.stop();
        return;
      }
      stream = opened;
      video.srcObject = stream;
      await video.play();
      if (mine !== starts) return;
    } catch (error) {
      if (mine === starts) fail(error.name);
      return;
    }
    const [track] = stream.getVideoTracks();
    track.onended = () => fail('NotFoundError');
    screen.classList.toggle('mirrored', track.getSettings().facingMode !== 'environment');
    remembered.wasOn = true;
    document.addEventListener('visibilitychange', comeBack);
    ticking = setInterval(show, 1000);
    tell('');
    say('Camera on.');
    show();
    sendLater(0);
    const devices = await navigator.mediaDevices.enumerateDevices();
    if (mine === starts) find('.other').disabled = devices.filter(({ kind }) => kind === 'videoinput').length < 2;
  };
  const startOther = async () => {
    const { facingMode, deviceId } = stream?.getVideoTracks()[0].getSettings() ?? {};
    if (facingMode || !deviceId) {
      remembered.facing = (facingMode ?? remembered.facing) === 'user' ? 'environment' : 'user';
      start();
      return;
    }
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
    const next = cameras[(cameras.findIndex((each) => each.deviceId === deviceId) + 1) % cameras.length];
    start({ deviceId: { exact: next.deviceId } });
  };

  const shoot = () => {
    stopCountdown();
    if (!isOn() || !video.videoWidth) return;
    isBusy = true; // until Python has it, which replaces the camera with the photo
    clearTimeout(nextFrame);
    tell('');
    video.pause();
    const photo = [0.92, 0.8, 0.6].map((quality) => () => grab(PHOTO_SIDE, quality)).reduce(
      (made, make) => (made && made.length <= MAX_PHOTO ? made : make()), '');
    say('Photo taken.');
    show();
    page.setTriggerValue('photo', photo);
    nextFrame = setTimeout(carryOn, PATIENCE_MS);
  };
  const carryOn = () => {
    if (!isOn()) return;
    isBusy = isWaiting = false;
    video.play().catch(() => {});
    show();
    sendLater(0);
  };
  const stopCountdown = () => {
    clearTimeout(countdown);
    countdown = 0;
    find('.count').textContent = '';
  };
  const count = (left) => {
    if (!left) {
      shoot();
      return;
    }
    find('.count').textContent = left;
    say(String(left));
    countdown = setTimeout(count, 1000, left - 1);
    show();
  };

  find('.power').onclick = () => {
    if (isOn()) {
      remembered.wasOn = false;
      stop();
      tell(START_HINT);
      say('Camera off.');
    } else start();
  };
  find('.shoot').onclick = shoot;
  find('.timer').onclick = () => {
    if (countdown) {
      stopCountdown();
      say('Cancelled.');
      show();
    } else count(COUNT_S);
  };
  find('.live').onclick = () => {
    remembered.isLive = !remembered.isLive;
    isWaiting = false;
    answers = [];
    if (!remembered.isLive) clearOverlay();
    show();
    sendLater(0);
  };
  find('.other').onclick = startOther;

  return {
    renders: 0,
    stop,
    update(latest) {
      const isFirst = page === null;
      page = latest;
      video.ariaLabel = page.data.label;
      if (isFirst) {
        show();
        if (page.data.starts && remembered.wasOn) start();
        else tell(START_HINT);
        return;
      }
      if (page.data.problem && isBusy) {
        carryOn();
        tell(page.data.problem);
      }
      receive();
    },
  };
}

export default function ({ parentElement, data, setStateValue, setTriggerValue }) {
  const video = parentElement.querySelector('video');
  video.camera ??= makeCamera(parentElement);
  const camera = video.camera;
  camera.renders += 1;
  camera.update({ data, setStateValue, setTriggerValue });
  const mine = camera.renders;
  // The page is left, unless it only shows new data, which comes at once.
  return () => setTimeout(() => { if (camera.renders === mine) camera.stop(); }, 500);
}
