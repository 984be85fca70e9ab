// How long before its end a stay is counted down, in seconds: as Daily's own page does.
const SHOWN = 300

// A Clock counts down to the moment at which the room puts this participant out. It shows every
// second, and tells those who cannot see it five minutes and one minute before.
export class Clock {
  #element
  #tell
  #timer = 0
  #told = Infinity

  constructor(element, tell) {
    this.#element = element
    this.#tell = tell
  }

  // start takes the server's time and the end, both in milliseconds; without an end it is still.
  start(now, end) {
    this.stop()
    if (end === null) return
    const ahead = now - Date.now() // of this machine's clock
    const tick = () => this.#show(Math.max(0, Math.ceil((end - Date.now() - ahead) / 1000)))
    this.#timer = setInterval(tick, 1000)
    tick()
  }

  stop() {
    clearInterval(this.#timer)
    this.#told = Infinity
    this.#element.hidden = true
  }

  #show(left) {
    this.#element.hidden = left > SHOWN
    if (left > SHOWN) return
    this.#element.textContent = `Closes in ${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`
    const step = left > 60 ? SHOWN : 60
    if (step === this.#told) return
    this.#told = step
    this.#tell(left > 60 ? `The room closes in ${Math.ceil(left / 60)} minutes.` : 'The room closes in a minute.')
  }
}
