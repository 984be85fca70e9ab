import { Avatar } from '@mantine/core'

/** Whether an address may be a picture's: what accounts enter is not trusted to be one. */
export function pictureUrl(url: string): string | undefined {
  if (/^data:image\/(png|jpeg|gif|webp|svg\+xml)[;,]/i.test(url)) return url
  return webUrl(url)
}

/** The address when it is one of the web; undefined for `javascript:` and other traps. */
export function webUrl(url: string): string | undefined {
  try {
    const { protocol, href } = new URL(url)
    return protocol === 'https:' || protocol === 'http:' ? href : undefined
  } catch {
    return undefined
  }
}

/** An avatar's picture, or its first letter when there is none to load. The name stands beside it. */
export function Picture({ url, name, size = 32 }: { url: string; name: string; size?: number }) {
  return (
    <Avatar src={pictureUrl(url)} alt="" size={size} radius="md" color="teal" imageProps={{ loading: 'lazy', referrerPolicy: 'no-referrer' }}>
      {[...name][0]?.toUpperCase()}
    </Avatar>
  )
}
