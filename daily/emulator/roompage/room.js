// The page of an emulated room: from the door to the end.
import { Clock } from './clock.js'
import { draw } from './face.js'
import { list } from './people.js'
import { knock, open } from './socket.js'
import { Sound } from './sound.js'
import { words } from './words.js'

const $ = (id) => document.getElementById(id)
const room = decodeURIComponent(location.pathname.split('/').pop())
const token = new URLSearchParams(location.search).get('t') ?? ''

let sound = null
let call = null
let me = ''
const clock = new Clock($('time'), (text) => { $('news').textContent = text })

$('room').textContent = room
document.title = `${room} – emulated room`

function show(section) {
  for (const id of ['entry', 'call', 'over']) $(id).hidden = id !== section
}

// door asks whether the token would let in, before it asks for a name.
async function door() {
  const answer = await knock(token)
  if (answer.error) return end(answer)
  $('entry-here').textContent = here(answer.people)
  $('name-field').hidden = answer.user_name !== ''
  if (answer.user_name) $('entry-here').textContent += ` You join as ${answer.user_name}.`
  $('join').disabled = false
  show('entry')
}

function here(people) {
  return people === 0 ? 'Nobody is here yet.' : people === 1 ? 'One participant is here.' : `${people} participants are here.`
}

// join must run in the click itself: without one a browser plays no sound.
function join() {
  $('join').disabled = true
  sound = new Sound(level)
  sound.ready.then((why) => { $('sound').textContent = why })
  call = open(token, $('name').value, {
    joined(frame) {
      clock.start(frame.now, frame.eject_at)
      $('mute').setAttribute('aria-pressed', 'false')
      me = frame.session_id
      show('call')
      $('speaker').focus()
    },
    people: (frame) => people(frame.people),
    speech: (pcm) => sound.play(pcm),
    caption: (frame) => { $('caption').textContent = frame.text },
    interrupt() {
      sound.flush()
      $('caption').textContent = ''
    },
    over: end,
  })
}

// people shows who is here, and the avatar on the stage.
function people(all) {
  const news = list($('people'), all, me)
  if (news) $('news').textContent = news
  $('count').textContent = all.length
  const avatar = all.find((one) => one.avatar)
  $('speaker').textContent = avatar ? avatar.name : 'The avatar is not here yet'
  draw($('portrait'), avatar)
  state(false)
}

function state(speaking) {
  $('stage').classList.toggle('speaking', speaking)
  const text = speaking ? 'Speaking' : 'Listening'
  $('state').textContent = $('portrait').classList.contains('nobody') ? '' : text
}

// level shows how loud it is: rms of what is being heard, 0 to 1, measured on its way to the
// speakers. Short pauses between words are speech, too.
let quietSince = 0
function level(rms) {
  $('stage').dataset.level = rms.toFixed(3)
  $('stage').style.setProperty('--level', Math.min(1, rms * 4).toFixed(3))
  const now = performance.now()
  if (rms > 0.005) quietSince = now
  const speaking = now - quietSince < 500
  if (speaking !== $('stage').classList.contains('speaking')) state(speaking)
}

function end(why) {
  call = null
  sound?.close()
  sound = null
  clock.stop()
  quietSince = 0
  $('caption').textContent = ''
  const { title, text, again } = words(why)
  $('over-title').textContent = title
  $('over-text').textContent = text
  $('over-type').hidden = !why.error
  $('over-type').replaceChildren('Daily reports this as ', code(why.error), '.')
  $('again').hidden = !again
  show('over')
  $('over-title').focus()
}

function code(text) {
  const element = document.createElement('code')
  element.textContent = text
  return element
}

$('form').addEventListener('submit', (event) => {
  event.preventDefault()
  join()
})
$('leave').addEventListener('click', () => call?.leave())
$('again').addEventListener('click', door)
$('mute').addEventListener('click', () => {
  const muted = $('mute').getAttribute('aria-pressed') !== 'true'
  $('mute').setAttribute('aria-pressed', String(muted))
  sound?.mute(muted)
})
// A page that the browser keeps for going back is not in the call meanwhile.
addEventListener('pagehide', () => call?.leave())

door()
