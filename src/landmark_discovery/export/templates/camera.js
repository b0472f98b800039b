// The camera: one frame after the other is searched, until it is stopped; the last one stays.

function cameraFault(error) {
  if (error.name === "NotAllowedError") return "The camera wasn't allowed.";
  if (error.name === "NotFoundError") return "There is no camera.";
  return `The camera can't be used: ${error.message}.`;
}

async function startCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    say("This browser gives no camera to this page. Take a photograph and choose it instead.", true);
    return;
  }
  const video = document.createElement("video");
  Object.assign(video, { muted: true, playsInline: true });
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    await video.play();
    await ready;
  } catch (error) {
    stopVideo(video);
    say(cameraFault(error), true);
    return;
  }
  camera = video;
  part("camera").textContent = "Stop the camera";
  say("The camera is on; nothing of it leaves this device.");
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
    say(`That didn't work: ${error.message}.`, true);
  }
  if (camera === video) stopCamera();
}

function stopVideo(video) {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
}

function stopCamera() {
  if (!camera) return;
  stopVideo(camera);
  camera = null;
  part("camera").textContent = "Use the camera";
  if (shown.found) say(`${plural(shown.found.landmarks.length, "landmark")} in the last picture of the camera`);
}
