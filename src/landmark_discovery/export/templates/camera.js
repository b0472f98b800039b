// The camera: one frame after the other is searched, until it is stopped; the last one stays.

function cameraFault(error) {
  if (error.name === "NotAllowedError") return "The camera wasn't allowed.";
  if (error.name === "NotFoundError") return "There is no camera.";
  return `The camera can't be used: ${error.message}.`;
}

function sayCameraIsOn() {
  say("The camera is on; nothing of it leaves this device.");
}

/** Turn the camera on, once however often it is asked for, unless a picture is opened before it is ready. */
async function startCamera() {
  if (starting) return;
  if (!navigator.mediaDevices?.getUserMedia) {
    say("This browser gives no camera to this page. Take a photograph and choose it instead.", true);
    return;
  }
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true });
  starting = video;
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await video.play();
    await ready;
  } catch (error) {
    stopVideo(video);
    if (starting !== video) return;
    starting = null;
    say(cameraFault(error), true);
    return;
  }
  if (starting !== video) {
    stopVideo(video);
    return;
  }
  starting = null;
  camera = video;
  part("camera").textContent = "Stop the camera";
  sayCameraIsOn();
  await followCamera(video);
}

async function followCamera(video) {
  const number = ++newest;
  let box = null;
  try {
    while (camera === video) {
      const frame = new OffscreenCanvas(video.videoWidth, video.videoHeight);
      frame.getContext("2d").drawImage(video, 0, 0);
      const found = await predict(frame, box);
      if (camera !== video || number !== newest) break;
      if (shown.name !== "camera" || !shown.picture || shown.picture.width !== frame.width) show(frame, "camera");
      Object.assign(shown, { picture: frame, found });
      draw();
      listFound();
      view.setAttribute("aria-label", `camera with ${plural(found.landmarks.length, "landmark")}`);
      await new Promise(requestAnimationFrame);
      box = shown.box;
    }
  } catch (error) {
    if (camera !== video) return;
    stopCamera();
    say(`That didn't work: ${error.message}.`, true);
  }
  if (camera === video) stopCamera();
}

function stopVideo(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
}

function stopCamera() {
  // What still starts finds that it is no longer wanted, and stops itself.
  starting = null;
  if (!camera) return;
  stopVideo(camera);
  camera = null;
  part("camera").textContent = "Use the camera";
  if (shown.found) say(`${plural(shown.found.landmarks.length, "landmark")} in the last picture of the camera`);
}
