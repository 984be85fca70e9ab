// The page of an emulated room: a person joins, hears and sees the avatar, and is told why a
// room is closed to them.
import assert from 'node:assert/strict'
import { ask, createSession, endSession, startSession } from './api.mjs'
import { checkAccessibility } from './axe.mjs'
import { test, url } from './harness.mjs'

// The browser reports a refusal's status by itself.
const refused = [/status of 40[34]/]

/** A session whose avatar is in its room. */
async function start() {
  const session = await createSession({ maxDuration: 1800 })
  const wsUri = await startSession(session.id)
  const { session: read } = await ask('query ($id: ID!) { session(id: $id) { avatar { name } } }', { id: session.id })
  const { dailyRoom } = session
  return { ...session, wsUri, avatar: read.avatar.name, address: `${dailyRoom.url}?t=${dailyRoom.token}` }
}

/** The session's stream, in a tab of its own that does not join. */
async function openStream(context, session) {
  const page = await context.newPage()
  await page.goto(session.address)
  await page.evaluate(({ wsUri, id, accessToken }) => new Promise((open) => {
    const socket = new WebSocket(wsUri)
    window.heard = []
    window.send = (frame) => socket.send(JSON.stringify(frame))
    socket.onopen = () => window.send({ type: 'session.init', session_id: id, access_token: accessToken })
    socket.onmessage = ({ data }) => {
      window.heard.push(JSON.parse(data).type)
      open()
    }
  }), session)
  return {
    send: (frame) => page.evaluate((f) => window.send(f), frame),
    heard: (type) => page.waitForFunction((t) => window.heard.includes(t), type),
    tone: (hertz, seconds, rate) => page.evaluate(([hertz, seconds, rate]) => {
      const wave = (_, i) => 16000 * Math.sin(2 * Math.PI * hertz * i / rate)
      const bytes = new Uint8Array(Int16Array.from({ length: seconds * rate }, wave).buffer)
      let binary = ''
      for (const byte of bytes) binary += String.fromCharCode(byte)
      window.send({ type: 'agent.speak', audio: btoa(binary), sample_rate: rate })
    }, [hertz, seconds, rate]),
  }
}

/** Waits until the analyser, which hears what the speakers are given, hears as much, or nothing. */
const levelAbove = (page, least) =>
  page.waitForFunction((l) => Number(document.getElementById('stage').dataset.level) > l, least)
const quiet = (page) => page.waitForFunction(() => Number(document.getElementById('stage').dataset.level) < 0.001)

const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor()
const mayJoin = (page) => page.locator('#join:enabled').waitFor()

async function fits(page) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  assert.ok(wide <= 0, `scrolls sideways by ${wide} px`)
  await checkAccessibility(page)
}

test('a person joins, hears the avatar and leaves', { reducedMotion: 'no-preference' }, async ({ page, context }) => {
  const session = await start()
  await page.goto(session.address)
  await mayJoin(page)
  await fits(page)
  await page.getByLabel('Your name').fill('Ann')
  await page.keyboard.press('Enter')
  await heading(page, session.avatar)
  assert.deepEqual(await page.locator('#people li').allTextContents(), [`${session.avatar} · avatar`, 'Ann · you'])
  await page.locator('#portrait img').waitFor()
  await quiet(page)

  const stream = await openStream(context, session)
  await page.bringToFront()
  await stream.tone(440, 3, 48000)
  await levelAbove(page, 0.3) // a sine of height 16000 / 32768 has an rms of 0.345
  await page.getByText('Speaking').waitFor()
  await fits(page)
  await stream.heard('agent.speak.confirmed')
  await quiet(page)
  await page.getByText('Listening').waitFor()

  await stream.tone(440, 60, 16000)
  await levelAbove(page, 0.3)
  await stream.send({ type: 'agent.interrupt' })
  await stream.heard('agent.interrupt.confirmed')
  await quiet(page)

  await stream.send({ type: 'agent.speak', text: 'Good morning, Ann. I have no voice of my own.' })
  await page.locator('#caption', { hasText: 'Good morning, Ann.' }).waitFor()
  await levelAbove(page, 0.02)
  await page.getByRole('button', { name: 'Mute', pressed: false }).click()
  await page.getByRole('button', { name: 'Mute', pressed: true }).waitFor()

  await page.getByRole('button', { name: 'Leave' }).click()
  await heading(page, 'You have left')
  await page.getByRole('button', { name: 'Join again' }).click()
  await page.locator('#join:enabled').click()
  await heading(page, session.avatar)
  await endSession(session.id)
  await heading(page, 'The call is over for you')
  await page.getByText('ejected').waitFor()
  await fits(page)
})

test('who may not come in is told why', { expect: refused }, async ({ page }) => {
  const session = await start()
  for (const [address, title, type] of [
    [session.dailyRoom.url, 'You may not join this room', 'not-allowed'],
    [`${session.address}x`, 'You may not join this room', 'not-allowed'],
    [`${url}/dev/rooms/nothing?t=${session.dailyRoom.token}`, 'There is no such room', 'no-room'],
  ]) {
    await page.goto(address)
    await heading(page, title)
    await page.getByText(type).waitFor()
    await fits(page)
  }
  await endSession(session.id)
})

test('a closed tab leaves', {}, async ({ page, context }) => {
  const session = await start()
  const other = await context.newPage()
  for (const one of [page, other]) {
    await one.goto(session.address)
    await one.locator('#join:enabled').click()
  }
  await page.locator('#people li').nth(2).waitFor()
  await other.close()
  await page.locator('#people li').nth(2).waitFor({ state: 'detached' })
  await endSession(session.id)
})

const phone = { colorScheme: 'dark', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, expect: refused }
test('in the dark, on a phone, without a picture', phone, async ({ page, context }) => {
  const session = await start()
  await context.route('**/samples/*', (route) => route.fulfill({ status: 404 }))
  await page.goto(session.address)
  await mayJoin(page)
  await fits(page)
  await page.locator('#join').tap()
  const stream = await openStream(context, session)
  await page.bringToFront()
  await stream.send({ type: 'agent.speak', text: 'This is how a caption looks on a small screen.' })
  await page.locator('#caption', { hasText: 'small screen' }).waitFor()
  await page.locator('#portrait .face').waitFor()
  await fits(page)
  await endSession(session.id)
})

test('the end of a room is counted down', { expect: refused }, async ({ page }) => {
  const daily = async (path, body) => {
    const headers = { authorization: 'Bearer dev' }
    return (await fetch(`${url}/dev/daily/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  }
  const exp = Math.ceil(Date.now() / 1000) + 10
  const room = await daily('/rooms', { privacy: 'private', properties: { exp, eject_at_room_exp: true } })
  const { token } = await daily('/meeting-tokens', { properties: { room_name: room.name, user_name: 'Zoe' } })
  await page.goto(`${room.url}?t=${token}`)
  await page.getByText('You join as Zoe.').waitFor()
  assert.equal(await page.getByLabel('Your name').isVisible(), false)
  await page.locator('#join:enabled').click()
  await heading(page, 'The avatar is not here yet')
  await page.getByText(/^Closes in 0:0\d$/).waitFor()
  assert.equal(await page.locator('#news').textContent(), 'The room closes in a minute.')
  await heading(page, 'Time is up')
  await page.reload()
  await heading(page, 'This room has expired')
})
